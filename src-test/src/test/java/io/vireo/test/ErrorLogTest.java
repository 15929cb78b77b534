package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Errors without number that guests provoke: a short log, in which nothing new is missing, and counters that miss none. */
@Timeout(180)
final class ErrorLogTest {
    private static final int EACH = 1250;
    private static final long IMAGE_BYTES = 1 << 20;
    private static final int UNKNOWN_TYPE = 77;

    private record Wrong(String op, String reason, int type, long sector, int dataBytes, boolean deviceWrites, int status) {}

    private static final List<Wrong> KINDS = List.of(
            new Wrong("read", "out-of-range", BlkLayout.T_IN, IMAGE_BYTES / 512, 512, true, BlkLayout.S_IOERR),
            new Wrong("write", "invalid", BlkLayout.T_OUT, 0, 100, false, BlkLayout.S_IOERR),
            new Wrong("other", "unsupported", UNKNOWN_TYPE, 0, 512, true, BlkLayout.S_UNSUPP),
            // The image is cut under the daemon: it is sure of sectors that the file no longer has.
            new Wrong("read", "EIO", BlkLayout.T_IN, IMAGE_BYTES / 512 - 1, 512, true, BlkLayout.S_IOERR));

    @TempDir
    Path folder;

    @Test
    void tenThousandErrorsLeaveAShortLogWithTheFirstOfEachKind() throws IOException {
        int metricsPort = Scrape.freePort();
        for (String device : List.of("vda", "vdb")) cut(device, IMAGE_BYTES);
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives {
                    one { driver = raw, file { driver = file, filename = vda.img } }
                    two { driver = raw, file { driver = file, filename = vdb.img } }
                  }
                  devices {
                    vda { drive = one, transport.path = vda.sock }
                    vdb { drive = two, transport.path = vdb.sock }
                  }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(metricsPort));
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "vda", "vdb")) {
            for (String device : List.of("vda", "vdb")) {
                cut(device, IMAGE_BYTES / 2);
                provoke(device);
            }
            Scrape scrape = daemon.scrape();
            assertEquals(0, daemon.terminate(Vireo.PATIENCE), () -> daemon.failure("ended badly").getMessage());
            judge(daemon.err(), scrape);
        }
    }

    private void judge(List<String> log, Scrape scrape) {
        long bytes = log.stream().mapToLong(line -> line.length() + 1).sum();
        assertTrue(bytes < 1 << 20, bytes + " bytes of log");
        long told = 0;
        for (String device : List.of("vda", "vdb")) {
            for (Wrong wrong : KINDS) {
                List<String> lines = log.stream()
                        .filter(line -> line.contains("device=" + device) && line.contains("kind=" + wrong.reason()))
                        .toList();
                assertTrue(!lines.isEmpty(), "no word on " + wrong + " of " + device + ":\n" + String.join("\n", log));
                assertTrue(lines.getFirst().contains("at byte " + wrong.sector() * 512), lines::getFirst);
                told += lines.size();
                assertEquals(EACH, scrape.value("vireo_device_request_errors_total", "device=\"" + device + "\"",
                        "op=\"" + wrong.op() + "\"", "reason=\"" + wrong.reason() + "\""));
            }
        }
        long errors = (long) scrape.value("vireo_device_request_errors_total");
        assertEquals(2L * KINDS.size() * EACH, errors);
        assertTrue(scrape.value("vireo_log_suppressed_total") >= errors - told, "lines are missing and not counted");
        assertTrue(log.stream().anyMatch(line -> line.contains("lines suppressed")), "the log does not say that it was cut");
    }

    private void provoke(String device) {
        try (AttachedDisk disk = AttachedDisk.at(folder.resolve(device + ".sock"))) {
            BlkQueue queue = disk.requests(1);
            for (int i = 0; i < EACH; i++) {
                for (Wrong wrong : KINDS) {
                    assertEquals(wrong.status(),
                            AttachedDisk.request(queue, wrong.type(), wrong.sector(), wrong.dataBytes(), wrong.deviceWrites()),
                            wrong::toString);
                }
            }
        }
    }

    private void cut(String device, long sizeBytes) throws IOException {
        try (var file = new RandomAccessFile(folder.resolve(device + ".img").toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
    }
}
