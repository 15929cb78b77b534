package io.vireo.config;

import com.typesafe.config.Config;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** HOCON in, {@link VireoConfig} out: all of it right, or a {@link ConfigException} with everything that is wrong. */
public final class ConfigLoader {
    private ConfigLoader() {}

    /**
     * A daemon's configuration: the block {@code vireo} of a file.
     *
     * @param overrides {@code path=value} each, the last one wins; values as in the file, relative paths from the
     *     working directory
     * @param cpus those that an IOThread may be pinned to
     */
    public static VireoConfig load(Path file, List<String> overrides, Set<Integer> cpus) {
        throw new ConfigException(List.of(new Problem(new Origin(file.toString(), 0, ""), "not read", "")));
    }

    /**
     * An embedder's configuration: its block {@code vireo}, or without one the whole of it. Devices need no transport,
     * and no number of queues.
     */
    public static VireoConfig of(Config root, Set<Integer> cpus) {
        throw new ConfigException(List.of(new Problem(new Origin(root.origin().description(), 0, ""), "not read", "")));
    }
}
