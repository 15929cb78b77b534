package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where io_uring is refused, the next engine serves and one warning says so. */
@Timeout(180)
final class RefusedIoUringTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    @TempDir
    Path folder;

    @ParameterizedTest(name = "aio = {0}, cache.direct = {1}")
    @CsvSource({"auto, off, threads", "auto, on, native", "io_uring, on, native"})
    void theNextEngineServes(String aio, String direct, String serving) throws IOException {
        System.out.println("RefusedIoUringTest -Dvireo.seed=" + SEED);
        try (var file = new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
            file.setLength(16 << 20);
        }
        int metricsPort = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  iothreads.io0 {}
                  drives.disk { driver = raw, file { driver = file, filename = disk.img, cache.direct = %s, aio = %s } }
                  devices.vda { drive = disk, iothread = io0, transport.path = vda.sock }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(direct, aio, metricsPort));
        List<String> refused = List.of("env", "VIREO_JAVA_OPTS=-Dvireo.uring=no");
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, refused, conf, metricsPort, "vda")) {
            load(SEED);
            load(SEED + 1);
            Scrape scrape = daemon.scrape();
            assertEquals(1, scrape.value("vireo_drive_info", "aio=\"" + serving + "\""));
            assertEquals(0, scrape.value("vireo_iothread_ring_enters_total", "iothread=\"io0\""));
            assertEquals(0, daemon.terminate(Vireo.PATIENCE));
            List<String> warnings = daemon.err().stream().filter(line -> line.contains("WARN") && line.contains("io_uring")).toList();
            assertEquals(1, warnings.size(), () -> daemon.failure("does not warn once").getMessage());
            assertTrue(warnings.getFirst().contains("aio = " + serving + ":"), () -> "does not name what serves: " + warnings);
        }
    }

    private void load(long seed) {
        try (AttachedDisk disk = AttachedDisk.at(folder.resolve("vda.sock"))) {
            LoadResult result = disk.run(LoadOptions.of(seed).withRequestsMax(3000).withDataBytesMax(16 << 10));
            assertTrue(result.clean(), result::toString);
            assertTrue(result.verifiedSectors() > 0, result::toString);
        }
    }
}
