package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.RequestMix;
import io.vireo.virtio.driver.VhostUserDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** A disk whose storage does not answer, beside one on the same IOThread that does. */
@Timeout(180)
@Isolated("compares times")
final class StuckRequestTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final RequestMix READS = new RequestMix(1, 0, 0, 0, 0, 0);
    private static final String OLDEST = "vireo_device_oldest_request_seconds";
    private static final String INFLIGHT = "vireo_device_inflight_requests";
    private static final String STUCK = "device=\"stuck\"";
    private static final String HEALTHY = "device=\"healthy\"";
    private static final int QUEUES = 4;
    private static final Duration SHUTDOWN_TIMEOUT = Duration.ofSeconds(2);

    @TempDir
    Path folder;

    private Path conf;
    private int metricsPort;

    @BeforeEach
    void configure() throws IOException {
        System.out.println("StuckRequestTest -Dvireo.seed=" + SEED);
        metricsPort = Scrape.freePort();
        conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  iothreads.io0 {}
                  drives {
                    slow { driver = null-co, size = 1M, latency = 60s }
                    fast { driver = null-co, size = 1M, read-zeroes = on }
                  }
                  devices {
                    stuck { drive = slow, iothread = io0, num-queues = %d, transport.path = stuck.sock }
                    healthy { drive = fast, iothread = io0, transport.path = healthy.sock }
                  }
                  shutdown-timeout = %ds
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(QUEUES, SHUTDOWN_TIMEOUT.toSeconds(), metricsPort));
    }

    @Test
    void showsItsAgeWhileTheNeighbourServes() {
        try (VireoDaemon daemon = serve(); AttachedDisk stuck = stick(daemon)) {
            Scrape first = daemon.scrape();
            long before = System.nanoTime();
            serveOnTheNeighbour();
            double loadSeconds = (System.nanoTime() - before) / 1e9;
            Scrape second = daemon.scrape();
            double grown = second.value(OLDEST, STUCK) - first.value(OLDEST, STUCK);
            assertTrue(grown >= loadSeconds, "grew by " + grown + " s in " + loadSeconds + " s");
            assertTrue(second.value(OLDEST, HEALTHY) < 1, "the neighbour looks stuck: " + second.value(OLDEST, HEALTHY));
            assertEquals(QUEUES, second.value(INFLIGHT, STUCK));
            assertEquals(0, second.requests("stuck", "read"), "answered, and yet in flight");
            assertTrue(stuck.capacitySectors() > 0);
        }
    }

    @Test
    void endsTheDaemonInItsShutdownTimeoutAndIsNamed() {
        try (VireoDaemon daemon = serve(); AttachedDisk _ = stick(daemon)) {
            endsAndNamesTheStuck(daemon);
            assertTrue(Files.notExists(folder.resolve("stuck.sock")), "its socket is left behind");
            assertTrue(Files.notExists(folder.resolve("healthy.sock")), "its neighbour's socket is left behind");
        }
    }

    @Test
    void isNotForgottenWhenItsClientLeft() {
        try (VireoDaemon daemon = serve()) {
            stick(daemon).close();
            long left = System.nanoTime();
            // Past the patience of its reset: nobody waits for the request any more.
            Await.until("the device gave up", () -> daemon.err().stream().anyMatch(line -> line.contains("never came back")));
            double seconds = (System.nanoTime() - left) / 1e9;
            assertTrue(seconds < 2 * SHUTDOWN_TIMEOUT.toSeconds(), "the next client waits " + seconds + " s: once per queue?");
            Scrape scrape = daemon.scrape();
            assertTrue(scrape.value(OLDEST, STUCK) >= SHUTDOWN_TIMEOUT.toSeconds(), "the stuck request has no age any more");
            assertEquals(QUEUES, scrape.value(INFLIGHT, STUCK));
            serveOnTheNeighbour();
            endsAndNamesTheStuck(daemon);
        }
    }

    private VireoDaemon serve() {
        return VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "stuck", "healthy");
    }

    /** Begins a request on each queue that is not answered. */
    private AttachedDisk stick(VireoDaemon daemon) {
        AttachedDisk disk = AttachedDisk.at(folder.resolve("stuck.sock"), VhostUserDisk.Options.defaults().withQueues(QUEUES, 64));
        for (int i = 0; i < QUEUES; i++) {
            BlkQueue queue = disk.requests(i, 1);
            queue.start(0, BlkLayout.T_IN, 0, 512, true);
            queue.submit();
        }
        Await.until("the requests were taken", () -> daemon.scrape().value(INFLIGHT, STUCK) == QUEUES);
        return disk;
    }

    private void serveOnTheNeighbour() {
        try (AttachedDisk disk = AttachedDisk.at(folder.resolve("healthy.sock"))) {
            LoadResult result = disk.run(LoadOptions.of(SEED).withRequestsMax(20_000).withDataBytesMax(4096).withSweep(false)
                    .withMix(READS));
            assertTrue(result.clean(), result::toString);
        }
    }

    private static void endsAndNamesTheStuck(VireoDaemon daemon) {
        long begun = System.nanoTime();
        int exit = daemon.terminate(Vireo.PATIENCE);
        double seconds = (System.nanoTime() - begun) / 1e9;
        String said = String.join("\n", daemon.err());
        assertEquals(1, exit, said);
        assertTrue(seconds < SHUTDOWN_TIMEOUT.toSeconds() + 3, "took " + seconds + " s:\n" + said);
        assertTrue(said.matches("(?s).*device stuck: " + QUEUES + " requests in flight on drive slow, the oldest for \\d+ s.*"), said);
        assertTrue(!said.contains("device healthy:"), said);
        assertTrue(!said.contains("everything in flight was completed"), said);
    }
}
