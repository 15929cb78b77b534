package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** What {@code bench} says when its back-end does not serve it: one line, and the status that goes with it. */
@Timeout(180)
@Isolated("figures of a moment")
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
    void drivesSeveralDisksAtOnceAndReportsEachAndTheSum() throws IOException {
        Files.writeString(conf, """
                vireo {
                  drives { one { driver = null-co, size = 1G }, two { driver = null-co, size = 1G } }
                  devices {
                    vda { drive = one, transport.path = vda.sock }
                    vdb { drive = two, transport.path = vdb.sock }
                  }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(metricsPort));
        String other = folder.resolve("vdb.sock").toString();
        try (VireoDaemon daemon = serve()) {
            Vireo.Result result = Vireo.run("bench", "--socket", socket, "--socket", other, "--iodepth", "4,1", "--runtime", "1", "--json");
            assertEquals(0, result.exit(), result.stderr());
            Map<String, List<String>> figures = numbers(result.stdout());
            List<String> requests = figures.get("requests");
            assertEquals(3, requests.size(), result.stdout());
            long sum = Long.parseLong(requests.get(0));
            long busy = Long.parseLong(requests.get(1));
            long quiet = Long.parseLong(requests.get(2));
            assertTrue(quiet > 0 && busy > quiet, result.stdout());
            assertEquals(sum, busy + quiet);
            assertEquals(List.of(socket, other), figures.get("disk"));
            for (String figure : List.of("errors", "iops", "mb_per_second", "p50_us", "p99_us", "p99.9_us", "max_us",
                    "calls_per_1000_io", "kicks_per_1000_io"))
                assertEquals(3, figures.get(figure).size(), figure);
            assertEquals(List.of(1, 1), List.of(figures.get("cpu_us_per_io").size(), figures.get("seconds").size()));
            // Its warming up is not in its figures.
            assertTrue(daemon.scrape().requests("vdb", "read") > quiet);

            Vireo.Result idle = Vireo.run("bench", "--socket", socket, "--socket", other, "--iodepth", "0", "--runtime", "1", "--json");
            assertEquals(List.of("0", "0", "0"), numbers(idle.stdout()).get("requests"), idle.stderr());
        }
    }

    /** Every value of a JSON text by its name, as often as it is there. */
    private static Map<String, List<String>> numbers(String text) {
        Map<String, List<String>> values = new HashMap<>();
        try (JsonParser json = new JsonFactory().createParser(ObjectReadContext.empty(), text)) {
            while (json.nextToken() != null)
                if (json.currentToken().isScalarValue())
                    values.computeIfAbsent(json.currentName(), _ -> new ArrayList<>()).add(json.getString());
        }
        return values;
    }

    @Test
    void refusesMoreDepthsThanDisks() {
        saysOneLine(2, "2 depths for 1 disks", Vireo.run("bench", "--socket", socket, "--iodepth", "1,2"));
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
