package io.vireo.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Configuration files for tests, on a machine with the cpus 0 to 3. */
final class Hocon {
    static final Set<Integer> CPUS = Set.of(0, 1, 2, 3);

    private final Path folder;

    Hocon(Path folder) {
        this.folder = folder;
    }

    Path file(String name, String text) {
        try {
            return Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    VireoConfig load(String text, String... overrides) {
        return ConfigLoader.load(file("vm.conf", text), List.of(overrides), CPUS);
    }

    List<Problem> problems(String text, String... overrides) {
        return assertThrows(ConfigException.class, () -> load(text, overrides)).problems();
    }

    /** Expects one problem, at this line and path of vm.conf, with exactly these words. */
    void refuses(String text, int line, String path, String what, String allowed) {
        List<Problem> problems = problems(text);
        assertEquals(1, problems.size(), () -> "one problem, not " + problems);
        Origin origin = problems.getFirst().origin();
        assertEquals(folder.resolve("vm.conf") + ":" + line + ": " + path, origin.toString());
        assertEquals(what, problems.getFirst().what());
        assertEquals(allowed, problems.getFirst().allowed());
    }
}
