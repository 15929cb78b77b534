package io.vireo.daemon;

import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.config.VireoConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** FILE.conf and --set, as every command takes them. */
final class ConfigFile {
    @Parameters(index = "0", paramLabel = "FILE.conf", description = "the configuration, in HOCON")
    private Path file;

    @Option(names = "--set", paramLabel = "path=value", description = "replaces one value; may be repeated")
    private List<String> overrides = new ArrayList<>();

    /** @throws io.vireo.config.ConfigException everything that is wrong with it */
    VireoConfig load() {
        VireoConfig config = ConfigLoader.load(file, overrides, Cpus.online());
        config.warnings().forEach(warning -> System.err.println("warning: " + warning));
        return config;
    }
}
