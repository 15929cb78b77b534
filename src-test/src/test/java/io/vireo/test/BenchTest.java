package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench} says when its back-end does not serve it: one line, and the status that goes with it. */
@Timeout(180)
final class BenchTest {
    private static final long IMAGE_BYTES = 1 << 20;
    /** Less than a load waits for a silent back-end. */
    private static final Duration SOON = Duration.ofSeconds(8);

    @TempDir
    Path folder;

    private String socket;
    private Path conf;
    private int metricsPort;

    @BeforeEach
    void configure() throws IOException {
        socket = folder.resolve("vda.sock").toString();
        metricsPort = Scrape.freePort();
        cut(IMAGE_BYTES);
        conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.disk { driver = raw, file { driver = file, filename = disk.img } }
                  devices.vda { drive = disk, transport.path = vda.sock }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(metricsPort));
    }

    @Test
    void isRefusedABackEndThatServesSomebodyElse() {
        try (VireoDaemon _ = serve(); AttachedDisk other = AttachedDisk.at(Path.of(socket))) {
            saysOneLine(3, "serves somebody else", Vireo.run("bench", "--socket", socket, "--runtime", "1"));
            assertTrue(other.capacitySectors() > 0);
        }
    }

    @Test
    void saysThatNobodyListens() {
        saysOneLine(1, "no back-end", Vireo.run("bench", "--socket", socket));
    }

    @Test
    void saysSoonThatItsBackEndIsGone() {
        try (VireoDaemon daemon = serve();
                Child bench = Vireo.start(Vireo.HOME, List.of(), List.of("bench", "--socket", socket, "--runtime", "100"))) {
            Await.until("the bench reads", () -> daemon.scrape().requests("vda", "read") > 0);
            daemon.terminate(Vireo.PATIENCE);
            int exit = bench.awaitExit(SOON);
            saysOneLine(1, "the back-end is gone", new Vireo.Result(exit, bench.out(), bench.err()));
        }
    }

    @Test
    void countsFailedRequestsInsteadOfJudgingTheirSpeed() throws IOException {
        try (VireoDaemon _ = serve()) {
            cut(0);
            Vireo.Result result = Vireo.run("bench", "--socket", socket, "--runtime", "1", "--bs", "4k");
            assertEquals(1, result.exit(), result.stderr());
            assertEquals(1, result.err().size(), result.stderr());
            assertTrue(result.stderr().matches("bench: ([0-9,]+) of \\1 requests failed"), result.stderr());
            assertTrue(result.stdout().contains("errors"), result.stdout());
        }
    }

    @Test
    void refusesADiskOfLessThanABlock() throws IOException {
        cut(4096);
        try (VireoDaemon _ = serve()) {
            saysOneLine(2, "less than one block of 8192", Vireo.run("bench", "--socket", socket, "--bs", "8k"));
        }
    }

    private VireoDaemon serve() {
        return VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "vda");
    }

    private void cut(long sizeBytes) throws IOException {
        try (var file = new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
    }

    private static void saysOneLine(int exit, String words, Vireo.Result result) {
        assertEquals(exit, result.exit(), result.stderr());
        assertEquals(1, result.err().size(), result.stderr());
        assertTrue(result.stderr().contains(words), result.stderr());
        assertEquals("", result.stdout());
    }
}
