package io.vireo.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigOrigin;
import com.typesafe.config.ConfigParseOptions;
import com.typesafe.config.ConfigSyntax;
import com.typesafe.config.ConfigUtil;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** HOCON in, {@link VireoConfig} out: all of it right, or a {@link ConfigException} with everything that is wrong. */
public final class ConfigLoader {
    private static final String ROOT = "vireo";
    private static final Comparator<Problem> BY_PLACE =
            Comparator.comparing((Problem problem) -> problem.origin().file())
                    .thenComparingInt(problem -> problem.origin().line());

    private ConfigLoader() {}

    /**
     * A daemon's configuration: the block {@code vireo} of a file. What stands beside that block is the file's own
     * affair (values for substitutions, say).
     *
     * @param overrides {@code path=value} each, the last one wins. A value that starts with a quote, a bracket or a
     *     brace is HOCON, any other is taken as it stands; relative paths in it start at the working directory
     * @param cpus those that an IOThread may be pinned to, as from {@link Cpus#online}
     */
    public static VireoConfig load(Path named, List<String> overrides, Set<Integer> cpus) {
        Path file = inFolder(named);
        Origin place = new Origin(file.toString(), 0, "");
        Config said = parse(file, place);
        Config config = said;
        for (String override : overrides) config = override(said, override).withFallback(config);
        Config whole = config;
        Config resolved = parsed(place, whole::resolve);
        if (!resolved.root().containsKey(ROOT)) {
            throw refuse(new Problem(
                    place, "there is no block '" + ROOT + "'",
                    Nearest.guess(ROOT, resolved.root().keySet()).map(name -> "did you mean it by '" + name + "'? ")
                            .orElse("") + "allowed: vireo { devices { .. } .. }"));
        }
        return read(resolved, new VireoReader(cpus, false), place);
    }

    /**
     * What a file adds to a configuration that runs: IOThreads, drives and devices, under names that are free. They may refer
     * to what runs.
     *
     * @return what is added, alone
     */
    public static VireoConfig addition(Path named, VireoConfig running, Set<Integer> cpus) {
        Path file = inFolder(named);
        Origin place = new Origin(file.toString(), 0, "");
        Config said = parse(file, place);
        return read(parsed(place, said::resolve), new VireoReader(cpus, running), place);
    }

    /** As {@link #addition(Path, VireoConfig, Set)}, of HOCON or JSON; relative paths in it start at the working directory. */
    public static VireoConfig addition(String text, VireoConfig running, Set<Integer> cpus) {
        Origin place = new Origin("what is to be added", 0, "");
        var options = ConfigParseOptions.defaults().setOriginDescription(place.file()).setSyntax(ConfigSyntax.CONF);
        Config said = parsed(place, () -> ConfigFactory.parseString(text, options));
        return read(parsed(place, said::resolve), new VireoReader(cpus, running), place);
    }

    /**
     * An embedder's configuration: its block {@code vireo}, or without one the whole of it. Devices need no transport,
     * and no number of queues.
     */
    public static VireoConfig of(Config root, Set<Integer> cpus) {
        Origin place = Origins.of(root.origin(), "");
        return read(parsed(place, root::resolve), new VireoReader(cpus, true), place);
    }

    /** As {@link #of}, of a file. */
    public static VireoConfig embedded(Path named, Set<Integer> cpus) {
        Path file = inFolder(named);
        return of(parse(file, new Origin(file.toString(), 0, "")), cpus);
    }

    /** Of a bare name the library knows no folder, and passes over what it includes without a word. */
    private static Path inFolder(Path named) {
        return named.getParent() == null ? Path.of(".").resolve(named) : named;
    }

    private static Config parse(Path file, Origin place) {
        readable(file, place);
        var options = ConfigParseOptions.defaults().setAllowMissing(false).setSyntax(ConfigSyntax.CONF);
        return parsed(place, () -> ConfigFactory.parseFile(file.toFile(), options));
    }

    private static VireoConfig read(Config resolved, VireoReader reader, Origin place) {
        List<Problem> problems = reader.problems();
        var everything = new Block(resolved.root(), place, problems);
        Block root = everything.says(ROOT) ? everything.block(ROOT) : everything;
        VireoConfig config = reader.read(root);
        if (problems.isEmpty()) return config;
        problems.sort(BY_PLACE);
        throw new ConfigException(problems);
    }

    private static void readable(Path file, Origin place) {
        String what = Files.notExists(file) ? "no such file" : Files.isDirectory(file) ? "is a directory"
                : Files.isReadable(file) ? "" : "may not be read";
        if (!what.isEmpty()) throw refuse(new Problem(place, what, "allowed: a readable file of HOCON"));
    }

    private static Config override(Config said, String override) {
        int equals = override.indexOf('=');
        Origin place = new Origin(Origins.OVERRIDE + (equals < 0 ? override : override.substring(0, equals)), 0, "");
        if (equals < 1) throw refuse(new Problem(place, "has no value", "allowed: --set path=value"));
        String path = override.substring(0, equals).strip();
        String value = override.substring(equals + 1).strip();
        String first = firstOf(path, place);
        if (!first.equals(ROOT) && !parsed(place, said::root).containsKey(first)) {
            throw refuse(new Problem(
                    place, "the file has no '" + first + "'", "did you mean " + ROOT + "." + path + "?"));
        }
        boolean hocon = !value.isEmpty() && "\"[{".indexOf(value.charAt(0)) >= 0;
        Object meant = hocon ? parsed(place, () -> hocon(value, place)) : value;
        return parsed(place, () -> ConfigFactory.parseMap(Map.of(path, meant), place.file()));
    }

    private static String firstOf(String path, Origin place) {
        try {
            return ConfigUtil.splitPath(path).getFirst();
        } catch (com.typesafe.config.ConfigException.BadPath e) {
            throw refuse(new Problem(place, "is not a path", "allowed: keys with dots between, as in vireo.log.level"));
        }
    }

    private static Object hocon(String value, Origin place) {
        var options = ConfigParseOptions.defaults().setOriginDescription(place.file()).setSyntax(ConfigSyntax.CONF);
        ConfigObject read = ConfigFactory.parseString("value = " + value, options).root();
        if (read.size() == 1) return read.get("value");
        throw refuse(new Problem(place, "is more than one value", "allowed: --set path=value, once for each path"));
    }

    /** What the library refuses, in our words as far as it says where. */
    private static <T> T parsed(Origin place, Supplier<T> parse) {
        try {
            return parse.get();
        } catch (com.typesafe.config.ConfigException e) {
            ConfigOrigin origin = e.origin();
            if (origin == null) throw refuse(new Problem(place, e.getMessage(), ""));
            String prefix = origin.description() + ": ";
            String what = e.getMessage();
            throw refuse(new Problem(
                    Origins.of(origin, ""), what.startsWith(prefix) ? what.substring(prefix.length()) : what, ""));
        } catch (StackOverflowError e) {
            throw refuse(new Problem(place, "is nested too deeply to be read", ""));
        }
    }

    private static ConfigException refuse(Problem problem) {
        return new ConfigException(List.of(problem));
    }
}
