package io.vireo.config;

import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigUtil;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * One block of HOCON being read. A key that was asked for is a key that is allowed; {@link #finish} refuses the others.
 * Nothing here throws: what is wrong is noted, and the reader goes on with the fallback to find the rest.
 */
final class Block {
    /** QEMU's rule for ids. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9._-]{0,30}");

    private final ConfigObject object;
    private final Origin origin;
    private final List<Problem> problems;
    private final SortedSet<String> allowed = new TreeSet<>();
    private final SortedSet<String> later = new TreeSet<>();

    Block(ConfigObject object, Origin origin, List<Problem> problems) {
        this.object = object;
        this.origin = origin;
        this.problems = problems;
    }

    Origin origin() {
        return origin;
    }

    /** Where the key is said; where it should have been, when it is not. */
    Origin originOf(String key) {
        String path = (origin.path().isEmpty() ? "" : origin.path() + ".") + ConfigUtil.joinPath(key);
        ConfigValue value = object.get(key);
        return value == null
                ? new Origin(origin.file(), origin.line(), path)
                : Origins.of(value.origin(), path);
    }

    boolean says(String key) {
        return find(key) != null;
    }

    SortedSet<String> keys() {
        return new TreeSet<>(object.keySet());
    }

    <T> T read(String key, T fallback, Value<T> value) {
        return find(key, value).orElse(fallback);
    }

    <T> T require(String key, T placeholder, Value<T> value, String example) {
        if (!says(key)) missing(key, example);
        return read(key, placeholder, value);
    }

    void missing(String key, String example) {
        problem(key, "is missing", "allowed: " + example);
    }

    /** Empty when it is absent or wrong. */
    <T> Optional<T> find(String key, Value<T> value) {
        ConfigValue found = find(key);
        return found == null ? Optional.empty() : parse(found, originOf(key), value);
    }

    private <T> Optional<T> parse(ConfigValue found, Origin where, Value<T> value) {
        try {
            return Optional.of(value.parse(scalar(found)));
        } catch (Value.Refused refused) {
            problems.add(new Problem(where, refused.getMessage(), refused.allowed));
            return Optional.empty();
        }
    }

    private static String scalar(ConfigValue value) {
        return switch (value.valueType()) {
            case STRING -> (String) value.unwrapped();
            // As written, which only this way out of the library gives: 0660 must not become 660.
            case NUMBER, BOOLEAN -> value.atKey("v").getString("v");
            case OBJECT, LIST, NULL -> throw new Value.Refused("is " + kind(value), "allowed: one value");
        };
    }

    /** An absolute path; a relative one starts at the folder of the file that says it. */
    Optional<Path> path(String key) {
        ConfigValue found = find(key);
        if (found == null) return Optional.empty();
        Path folder = Origins.folder(found.origin());
        return parse(found, originOf(key), text -> {
            try {
                return folder.resolve(Value.text().parse(text)).toAbsolutePath();
            } catch (InvalidPathException e) {
                throw new Value.Refused("'" + text + "' is not a path: " + e.getReason(), "allowed: a path");
            }
        });
    }

    <T> List<T> list(String key, Value<T> value) {
        var read = new ArrayList<T>();
        for (ConfigValue element : elements(key)) {
            parse(element, Origins.of(element.origin(), originOf(key).path()), value).ifPresent(read::add);
        }
        return read;
    }

    List<Block> blocks(String key) {
        var read = new ArrayList<Block>();
        for (ConfigValue element : elements(key)) {
            Origin where = Origins.of(element.origin(), originOf(key).path());
            if (element instanceof ConfigObject block) read.add(new Block(block, where, problems));
            else problems.add(new Problem(where, "is " + kind(element), "allowed: a list of blocks { .. }"));
        }
        return read;
    }

    boolean emptyList(String key) {
        return find(key) instanceof ConfigList list && list.isEmpty();
    }

    private List<? extends ConfigValue> elements(String key) {
        ConfigValue found = find(key);
        if (found == null) return List.of();
        if (found instanceof ConfigList list) return list;
        problem(key, "is " + kind(found), "allowed: a list [ .. ]");
        return List.of();
    }

    /** A block within; an empty one when it is absent. */
    Block block(String key) {
        ConfigValue found = find(key);
        if (found instanceof ConfigObject block) return new Block(block, originOf(key), problems);
        ConfigObject nothing = ConfigFactory.empty().root();
        if (found == null) return new Block(nothing, originOf(key), problems);
        problem(key, "is " + kind(found), "allowed: a block { .. }");
        // What it lacks is no problem of its own: nobody will read this list.
        return new Block(nothing, originOf(key), new ArrayList<>());
    }

    /** The blocks within a block, by their names, in the order of the alphabet. */
    SortedMap<String, Block> named(String key) {
        Block within = block(key);
        var blocks = new TreeMap<String, Block>();
        for (String name : within.keys()) {
            if (!NAME.matcher(name).matches()) {
                within.problem(name, "is not a name",
                        "allowed: a letter, then letters, digits, '-', '.' or '_', at most 31 in all");
            } else if (within.says(name)) {
                blocks.put(name, within.block(name));
            }
        }
        return blocks;
    }

    /** A key that a later version will know. */
    void notYet(String key) {
        if (find(key) != null) problem(key, "is not available in this version", "leave it out");
        allowed.remove(key);
        later.add(key);
    }

    void problem(String key, String what, String right) {
        problems.add(new Problem(originOf(key), what, right));
    }

    /** Refuses every key that nobody asked for. */
    void finish() {
        for (String key : keys()) {
            if (allowed.contains(key) || later.contains(key)) continue;
            problem(key, "unknown key '" + key + "'", Value.choices(key, allowed));
        }
    }

    /** What is said, null when nothing is; HOCON's null takes back what an include said. */
    private ConfigValue find(String key) {
        allowed.add(key);
        ConfigValue value = object.get(key);
        return value == null || value.valueType() == ConfigValueType.NULL ? null : value;
    }

    private static String kind(ConfigValue value) {
        return switch (value.valueType()) {
            case OBJECT -> "a block";
            case LIST -> "a list";
            case NULL -> "null";
            case STRING, NUMBER, BOOLEAN -> "a " + value.valueType().name().toLowerCase(Locale.ROOT);
        };
    }
}
