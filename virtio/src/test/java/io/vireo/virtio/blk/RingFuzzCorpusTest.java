package io.vireo.virtio.blk;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a fuzzer has found worth keeping, once more: {@code src-test/fuzz} looks for more of it. */
class RingFuzzCorpusTest {
    @ParameterizedTest
    @MethodSource
    void replays(Path input) throws IOException {
        RingFuzz.fuzzerTestOneInput(Files.readAllBytes(input));
    }

    static Stream<Path> replays() throws IOException {
        return Files.list(Path.of("src/test/corpus/RingFuzz")).sorted();
    }
}
