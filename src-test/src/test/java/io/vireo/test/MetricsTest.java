package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.LoadOperation;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a scrape says, against what a driver knows that it did. */
@Timeout(180)
final class MetricsTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final long REQUESTS = 5000;
    private static final String BUSY = "device=\"busy\"";
    private static final String IDLE = "device=\"idle\"";

    @TempDir
    Path folder;

    private Path conf;
    private int metricsPort;

    @BeforeEach
    void configure() throws IOException {
        System.out.println("MetricsTest -Dvireo.seed=" + SEED);
        metricsPort = Scrape.freePort();
        for (String image : List.of("busy.img", "idle.img")) {
            try (var file = new RandomAccessFile(folder.resolve(image).toFile(), "rw")) {
                file.setLength(16 << 20);
            }
        }
        conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  iothreads.io0 {}
                  drives {
                    one { driver = raw, file { driver = file, filename = busy.img, aio = io_uring, cache.direct = on } }
                    two { driver = raw, file { driver = file, filename = idle.img } }
                  }
                  devices {
                    busy { drive = one, iothread = io0, transport.path = busy.sock }
                    idle { drive = two, iothread = io0, transport.path = idle.sock }
                  }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(metricsPort));
    }

    @Test
    void countsWhatTheDriverDidAndGoesOnWithTheNextClient() {
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "busy", "idle")) {
            LoadResult first = load(SEED);
            judge(awaitQuiet(daemon), List.of(first));
            LoadResult second = load(SEED + 1);
            judge(awaitQuiet(daemon), List.of(first, second));
            assertEquals(0, daemon.terminate(Vireo.PATIENCE));
        }
    }

    @Test
    void tellsTheCacheFromTheEngine() {
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "busy", "idle")) {
            LoadResult past = load(SEED);
            try (AttachedDisk disk = AttachedDisk.at(folder.resolve("idle.sock"))) {
                BlkQueue queue = disk.requests(1);
                // Written, and so in the page cache when it is read.
                for (int type : new int[] {BlkLayout.T_OUT, BlkLayout.T_IN}) {
                    assertEquals(BlkLayout.S_OK, AttachedDisk.request(queue, type, 8, 4096, type == BlkLayout.T_IN));
                }
            }
            Scrape scrape = daemon.scrape();
            assertEquals(past.bytesRead(), scrape.value("vireo_drive_read_bytes_total", "drive=\"one\"", "source=\"engine\""));
            assertEquals(0, scrape.value("vireo_drive_read_bytes_total", "drive=\"one\"", "source=\"cache\""));
            assertEquals(0, scrape.value("vireo_drive_read_bytes_total", "drive=\"two\"", "source=\"engine\""));
            assertEquals(4096, scrape.value("vireo_drive_read_bytes_total", "drive=\"two\"", "source=\"cache\""));
        }
    }

    @Test
    void countsFailuresByTheirReason() {
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "busy", "idle")) {
            try (AttachedDisk disk = AttachedDisk.at(folder.resolve("busy.sock"))) {
                BlkQueue queue = disk.requests(1);
                for (int i = 0; i < 3; i++) {
                    assertEquals(BlkLayout.S_IOERR,
                            AttachedDisk.request(queue, BlkLayout.T_IN, disk.capacitySectors(), 512, true));
                }
                assertEquals(BlkLayout.S_IOERR, AttachedDisk.request(queue, BlkLayout.T_OUT, 0, 100, false));
                for (int i = 0; i < 2; i++) {
                    assertEquals(BlkLayout.S_UNSUPP, AttachedDisk.request(queue, 77, 0, 512, false));
                }
            }
            Scrape scrape = awaitQuiet(daemon);
            assertEquals(3, scrape.value("vireo_device_request_errors_total", BUSY, "op=\"read\"", "reason=\"out-of-range\""));
            assertEquals(1, scrape.value("vireo_device_request_errors_total", BUSY, "op=\"write\"", "reason=\"invalid\""));
            assertEquals(2, scrape.value("vireo_device_request_errors_total", BUSY, "op=\"other\"", "reason=\"unsupported\""));
            assertEquals(6, scrape.value("vireo_device_request_errors_total"), "errors that nobody made");
            assertEquals(3, scrape.requests("busy", "read"), "failed requests are requests");
            assertEquals(0, scrape.bytes("busy", "read"), "failed requests move nothing");
        }
    }

    @Test
    void showsThatIoUringServed() {
        assumeFalse(Boolean.getBoolean("vireo.without-uring"), "--without-uring");
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "busy", "idle")) {
            Scrape before = daemon.scrape();
            for (String drive : List.of("one", "two")) {
                assertEquals(1, before.value("vireo_drive_info", "drive=\"" + drive + "\"", "aio=\"io_uring\""),
                        "no io_uring here? --without-uring leaves this out");
            }
            load(SEED);
            double enters = daemon.scrape().value("vireo_iothread_ring_enters_total", "iothread=\"io0\"")
                    - before.value("vireo_iothread_ring_enters_total", "iothread=\"io0\"");
            // One system call may hand over a whole batch of the load's depth.
            assertTrue(enters >= REQUESTS / 32, "only " + enters + " of io_uring's system calls for " + REQUESTS + " requests");
        }
    }

    /** A load from the first connection to hanging up. */
    private LoadResult load(long seed) {
        try (AttachedDisk disk = AttachedDisk.at(folder.resolve("busy.sock"))) {
            // The sweep's reads would not be in the result's counts.
            LoadResult result = disk.run(LoadOptions.of(seed).withRequestsMax(REQUESTS).withDataBytesMax(16 << 10).withSweep(false));
            assertTrue(result.clean(), result::toString);
            assertEquals(REQUESTS, result.requestsTotal());
            return result;
        }
    }

    /** A scrape once the client's leaving is over. */
    private Scrape awaitQuiet(VireoDaemon daemon) {
        Await.until("the client has left",
                () -> daemon.scrape().has("vireo_device_state", BUSY, "state=\"waiting\""));
        return daemon.scrape();
    }

    private static void judge(Scrape scrape, List<LoadResult> loads) {
        for (LoadOperation operation : LoadOperation.values()) {
            String op = "op=\"" + operation.name().toLowerCase(Locale.ROOT) + "\"";
            long did = loads.stream().mapToLong(load -> load.requests().get(operation)).sum();
            assertTrue(did > 0, "the load leaves out " + operation);
            assertEquals(did, scrape.value("vireo_device_requests_total", BUSY, op), op);
            assertEquals(did, scrape.value("vireo_device_request_duration_seconds_count", BUSY, op), op);
            assertEquals(did, scrape.value("vireo_device_request_duration_seconds_bucket", BUSY, op, "le=\"+Inf\""), op);
            assertTrue(scrape.value("vireo_device_request_duration_seconds_sum", BUSY, op) > 0, op + " took no time");
        }
        assertEquals(loads.stream().mapToLong(LoadResult::bytesRead).sum(), scrape.bytes("busy", "read"));
        assertEquals(loads.stream().mapToLong(LoadResult::bytesWritten).sum(), scrape.bytes("busy", "write"));
        assertTrue(scrape.bytes("busy", "discard") > 0 && scrape.bytes("busy", "write_zeroes") > 0, "ranges have bytes too");
        assertTrue(!scrape.has("vireo_device_request_errors_total", BUSY), "errors that nobody made");
        assertEquals(0, scrape.value("vireo_device_inflight_requests", BUSY));
        assertEquals(0, scrape.value("vireo_device_oldest_request_seconds", BUSY));
        // Each start of the ring is one kick more, and the device may take several kicks for one.
        long kicksMade = loads.stream().mapToLong(load -> load.kicks() + 1).sum();
        assertWithin(kicksMade, scrape.value("vireo_queue_kicks_total", BUSY, "queue=\"0\""));
        assertWithin(REQUESTS * loads.size(), scrape.value("vireo_queue_calls_total", BUSY, "queue=\"0\""));
        for (String family : List.of("vireo_device_requests_total", "vireo_device_request_bytes_total", "vireo_queue_kicks_total",
                "vireo_queue_calls_total", "vireo_device_request_duration_seconds_count", "vireo_device_inflight_requests",
                "vireo_client_connected")) {
            assertEquals(0, scrape.value(family, IDLE), family);
        }
    }

    private static void assertWithin(long most, double counted) {
        assertTrue(counted > 0 && counted <= most, counted + " of at most " + most);
    }
}
