package io.vireo.config;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A fuzzer's input as a configuration file: it is read, or refused in words that name it. */
public final class HoconFuzz {
    private static final Path FOLDER;

    static {
        try {
            FOLDER = Files.createTempDirectory("vireo-hocon-fuzz");
            FOLDER.toFile().deleteOnExit();
            FOLDER.resolve("vm.conf").toFile().deleteOnExit();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private HoconFuzz() {}

    /** As Jazzer calls it. */
    public static void fuzzerTestOneInput(byte[] input) {
        try {
            new Hocon(FOLDER).load(new String(input, StandardCharsets.UTF_8));
        } catch (ConfigException e) {
            for (Problem problem : e.problems()) {
                if (problem.what().isBlank() || !problem.origin().file().contains("vm.conf")) throw new AssertionError(problem);
            }
        }
    }
}
