package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A block device over a file, which only root can make; the test that cannot have one says so. */
record LoopDevice(String path) implements AutoCloseable {
    static LoopDevice over(Path file, int blockBytes) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        "losetup", "--find", "--show", "--sector-size", Integer.toString(blockBytes), file.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        if (process.waitFor() != 0) abort("no block device to test with; losetup says: " + said);
        return new LoopDevice(said);
    }

    @Override
    public void close() throws IOException {
        Process detach = new ProcessBuilder("losetup", "--detach", path).start();
        assertEquals(0, detach.onExit().join().exitValue());
    }
}
