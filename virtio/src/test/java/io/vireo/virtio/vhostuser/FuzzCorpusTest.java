package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a fuzzer has found worth keeping, once more: {@code src-test/fuzz} looks for more of it. */
class FuzzCorpusTest {
    @Test
    void replaysSessionFuzz() throws IOException {
        replay("SessionFuzz", SessionFuzz::fuzzerTestOneInput);
    }

    private static void replay(String target, Consumer<byte[]> fuzzer) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/test/corpus", target))) {
            List<Path> inputs = files.sorted().toList();
            assertTrue(inputs.size() > 2, "inputs: " + inputs);
            for (Path input : inputs) {
                try {
                    fuzzer.accept(Files.readAllBytes(input));
                } catch (RuntimeException | Error e) {
                    throw new AssertionError(input + ": " + e.getMessage(), e);
                }
            }
        }
    }
}
