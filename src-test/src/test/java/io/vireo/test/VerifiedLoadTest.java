package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every kind of request at once, each sector verified, through the daemon's socket: {@code -Dvireo.soak} lengthens it. */
final class VerifiedLoadTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final long NANOS_A_LOAD = 400_000_000L * Integer.getInteger("vireo.soak", 1);
    private static final long IMAGE_BYTES = 64L << 20;
    private static final int[] DEPTHS = {1, 32, 128};
    /** Without a table of its own, a request of three buffers takes three descriptors. */
    private static final int QUEUE_SIZE = 1024;

    @TempDir
    Path folder;

    @ParameterizedTest(name = "cache.direct={0} queues={1}")
    @CsvSource({"on, 1", "off, 1", "on, 2"})
    void everySectorIsRightAtEveryDepthWithAndWithoutEventIndexAndIndirectTables(String direct, int queues) throws IOException {
        serve(direct, queues, "", VhostUserDisk.Options.defaults());
    }

    @ParameterizedTest(name = "packed queues={0}")
    @ValueSource(ints = {1, 2})
    @Tag("virtio-1.3-2.8")
    void soItIsOnPackedVirtqueues(int queues) throws IOException {
        serve("on", queues, "packed = on,", VhostUserDisk.Options.defaults().withFeatures(VirtqueueLayout.F_RING_PACKED));
    }

    /** The driver takes a device for faulty that uses a chain before an older one. */
    @ParameterizedTest(name = "packed={0}")
    @ValueSource(booleans = {false, true})
    @Tag("virtio-1.3-2.7.9")
    @Tag("virtio-1.3-2.8.8")
    void soItIsInOrder(boolean packed) throws IOException {
        serve("on", 1, packed ? "packed = on, in_order = on," : "in_order = on,", VhostUserDisk.Options.defaults()
                .withFeatures(VirtqueueLayout.F_IN_ORDER | (packed ? VirtqueueLayout.F_RING_PACKED : 0)));
    }

    private void serve(String direct, int queues, String features, VhostUserDisk.Options all) throws IOException {
        System.out.println("VerifiedLoadTest -Dvireo.seed=" + SEED);
        Path image = folder.resolve("disk.img");
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(IMAGE_BYTES);
        }
        Path socket = folder.resolve("vda.sock");
        int port = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.disk { driver = file, filename = "%s", cache.direct = %s }
                  devices.vda { drive = disk, num-queues = %d, queue-size = %d, %s transport.path = "%s" }
                  metrics.port = %d
                }
                """.formatted(image, direct, queues, QUEUE_SIZE, features, socket, port));
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda")) {
            long seed = SEED;
            for (long without : new long[] {0, VirtqueueLayout.RING_F_EVENT_IDX, VirtqueueLayout.RING_F_INDIRECT_DESC,
                    VirtqueueLayout.RING_F_EVENT_IDX | VirtqueueLayout.RING_F_INDIRECT_DESC}) {
                for (int depth : DEPTHS)
                    verify(socket, all.withQueues(queues, QUEUE_SIZE).withoutFeatures(without), depth, seed++);
            }
            assertEquals(0, daemon.terminate(Duration.ofSeconds(10)), daemon.failure("end")::getMessage);
        }
    }

    private static void verify(Path socket, VhostUserDisk.Options options, int depth, long seed) {
        try (DriverMemory memory = DriverMemory.create(64L << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, options)) {
            long wanted = options.features() & (VirtqueueLayout.F_RING_PACKED | VirtqueueLayout.F_IN_ORDER);
            assertEquals(wanted, disk.features() & wanted, "what this is about was not offered");
            LoadResult result = new VerifyingLoad(disk.transport(), LoadOptions.of(seed).withDepth(depth)
                    .withDataBytesMax(32 << 10).withDurationNanos(NANOS_A_LOAD)).run();
            assertTrue(result.clean(), () -> "seed " + seed + ", depth " + depth + ", " + options + ": " + result.failure()
                    + " " + result.complaints() + " " + result.errors());
            assertNotEquals(0, result.verifiedSectors());
        }
    }
}
