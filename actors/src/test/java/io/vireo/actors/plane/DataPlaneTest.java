package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.vireo.actors.iothread.IoThread;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.posix.Memory;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DataPlaneTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("plane-test");

    @AfterEach
    void end() {
        system.terminate();
    }

    private DataPlane start(String hocon) {
        return DataPlane.start(
                system, ConfigLoader.of(ConfigFactory.parseString(hocon), Cpus.online()), new VireoMetrics("test"), true);
    }

    private Path socket(String device) {
        return folder.resolve(device + ".sock");
    }

    private String device(String name, String rest) {
        return device(name, "d", ", num-queues = 1" + rest);
    }

    private String device(String name, String drive, String rest) {
        return "devices." + name + " { drive = " + drive + ", transport.path = \"" + socket(name) + "\"" + rest + " }\n";
    }

    /** A driver of one device, who has one request at a time on each virtqueue. */
    private final class Driver implements AutoCloseable {
        private final DriverMemory memory = DriverMemory.create(8 << 20);
        private final VhostUserDisk disk;
        final List<BlkQueue> queues;

        Driver(String device, int queueCount) {
            disk = VhostUserDisk.attach(
                    socket(device), memory, VhostUserDisk.Options.defaults().withQueues(queueCount, 64));
            queues = disk.transport().queues().stream().map(queue -> new BlkQueue(memory, queue, 4, 4096)).toList();
        }

        void begin(int queue, int type, long sector) {
            assertTrue(queues.get(queue).start(0, type, sector, 512, type == BlkLayout.T_IN));
            queues.get(queue).submit();
        }

        int end(int queue) {
            await("a used element", () -> queues.get(queue).pendingUsed() > 0);
            queues.get(queue).reap();
            return queues.get(queue).status(0);
        }

        int write(long sector, int value) {
            Memory.fill(queues.getFirst().dataAddress(0), 512, value);
            begin(0, BlkLayout.T_OUT, sector);
            return end(0);
        }

        int read(long sector) {
            Memory.fill(queues.getFirst().dataAddress(0), 512, 0xEE);
            begin(0, BlkLayout.T_IN, sector);
            assertEquals(0, end(0));
            return Memory.getU8(queues.getFirst().dataAddress(0) + 511);
        }

        @Override
        public void close() {
            disk.close();
            memory.close();
        }
    }

    private static void await(String what, BooleanSupplier condition) {
        long giveUp = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - giveUp > 0) throw new AssertionError("in vain: " + what);
            Thread.yield();
        }
    }

    @Test
    void twoReadersOfOneDriveGetItsContentAndOneMayLeave() throws Exception {
        byte[] content = new byte[1 << 20];
        for (int sector = 0; sector < 8; sector++) content[sector * 512 + 511] = (byte) (0x50 + sector);
        Path image = Files.write(folder.resolve("image"), content);
        try (DataPlane plane = start("iothreads { io0 {}, io1 {} }\n"
                        + "drives.d { driver = file, filename = \"" + image + "\", read-only = on }\n"
                        + device("vda", ", read-only = on, iothread = io0") + device("vdb", ", read-only = on, iothread = io1"));
                Driver second = new Driver("vdb", 1)) {
            try (Driver first = new Driver("vda", 1)) {
                for (int sector = 0; sector < 4; sector++) {
                    assertEquals(0x50 + sector, first.read(sector));
                    assertEquals(0x57 - sector, second.read(7 - sector));
                }
                assertEquals(BlkLayout.S_IOERR, first.write(0, 0), "read-only");
                assertEquals(List.of("vda", "vdb"), plane.connectedClients());
            }
            DeviceHost left = plane.devices().getFirst();
            await("the device to be free", () -> left.status().state().equals("waiting") && !left.status().clientConnected());
            assertEquals(0x53, second.read(3), "the drive stays open for it");
            assertEquals("running", plane.devices().getLast().status().state());
        }
        assertArrayEquals(content, Files.readAllBytes(image));
    }

    @Test
    void servesEachQueueOnTheIoThreadThatItIsMappedTo() {
        try (DataPlane plane = start("iothreads { a {}, b {} }\ndrives.d { driver = null-co, size = 1M }\n"
                        + device("vda", "d", ", num-queues = 3"
                                + ", iothread-vq-mapping = [ { iothread = b, vqs = [0, 2] }, { iothread = a, vqs = [1] } ]"));
                Driver driver = new Driver("vda", 3)) {
            DeviceHost host = plane.devices().getFirst();
            assertEquals(List.of("b", "a", "b"), host.ioThreadOfQueue().stream().map(IoThread::name).toList());
            assertEquals(List.of("b", "a"), host.status().ioThreads());
            DeviceCounters b = host.status().counters().getFirst();
            DeviceCounters a = host.status().counters().getLast();
            for (int queue : new int[] {0, 2, 1}) {
                driver.begin(queue, BlkLayout.T_IN, 0);
                assertEquals(0, driver.end(queue));
                boolean last = queue == 1;
                await("it to be counted", () -> a.requests() == (last ? 1 : 0) && b.requests() == (last || queue == 2 ? 2 : 1));
            }
        }
    }

    @Test
    @Tag("vhost-user/MQ")
    void servesAllQueuesOfAMappedDeviceUnderLoad() throws Exception {
        Path image = Files.write(folder.resolve("image"), new byte[4 << 20]);
        try (DataPlane plane = start("iothreads { a {}, b {} }\ndrives.d { driver = file, filename = \"" + image + "\" }\n"
                        + device("vda", "d", ", num-queues = 4, iothread-vq-mapping = [ { iothread = a }, { iothread = b } ]"));
                DriverMemory memory = DriverMemory.create(16 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(
                        socket("vda"), memory, VhostUserDisk.Options.defaults().withQueues(4, 64))) {
            LoadResult result = new VerifyingLoad(disk.transport(),
                    LoadOptions.of(SEED).withDepth(8).withDataBytesMax(16 << 10).withRequestsMax(2000)).run();
            assertTrue(result.clean(), () -> "seed " + SEED + ": " + result.failure() + " " + result.complaints());
            assertNotEquals(0, result.verifiedSectors(), "seed " + SEED);
            for (DeviceCounters counters : plane.devices().getFirst().status().counters()) assertNotEquals(0, counters.requests());
        }
    }

    @Test
    void startsThreadsOfTheDefaultPoolAsDevicesNeedThem() {
        int pool = Placement.defaultPoolSize();
        try (DataPlane plane = start("iothreads.io0 {}\ndrives { d { driver = null-co }, e { driver = null-co } }\n"
                + device("vda", ", iothread = io0") + device("vdb", "e", ", num-queues = " + (pool + 1)))) {
            assertEquals(1 + pool, plane.ioThreads().all().size());
            List<String> served = plane.devices().getLast().ioThreadOfQueue().stream().map(IoThread::name).toList();
            assertEquals(pool, served.stream().distinct().count());
            assertEquals("default0", served.getFirst());
            assertEquals("default0", served.getLast(), "the first again, once all have one");
        }
        try (DataPlane plane = start("iothreads.io0 {}\ndrives.d { driver = null-co, size = 1M }\n"
                + device("vda", ", iothread = io0"))) {
            assertEquals(1, plane.ioThreads().all().size(), "nobody needs the pool");
        }
    }

    @Test
    void stoppingCompletesWhatIsInFlight() {
        try (DataPlane plane = start("drives.d { driver = null-co, size = 1M, latency = 300ms }\n" + device("vda", ""));
                Driver driver = new Driver("vda", 1)) {
            driver.begin(0, BlkLayout.T_IN, 0);
            await("it to be in flight", () -> plane.devices().getFirst().status().inflightRequests() == 1);
            assertEquals(List.of(), plane.stop(PATIENCE));
            assertEquals(0, driver.end(0));
            assertEquals(0, plane.devices().getFirst().status().inflightRequests());
        }
        assertFalse(Files.exists(socket("vda")));
    }

    @Test
    @SuppressWarnings("try") // closed early, on purpose
    void stoppingNamesWhoDoesNotStopInTime() {
        try (DataPlane plane = start("drives { d { driver = null-co, latency = 2s }, e { driver = null-co, latency = 2s } }\n"
                        + device("vda", "") + device("vdb", "e", ", num-queues = 1"));
                Driver driver = new Driver("vda", 1); Driver idle = new Driver("vdb", 1)) {
            driver.begin(0, BlkLayout.T_IN, 0);
            await("it to be in flight", () -> plane.devices().getFirst().status().inflightRequests() == 1);
            assertEquals(List.of("device vda: 1 requests in flight on drive d, the oldest for 0 s"), plane.stop(Duration.ofMillis(200)));
            assertEquals(0, idle.queues.getFirst().pendingUsed());
            plane.close();
            assertEquals(0, driver.end(0), "closing waits for it");
        }
    }

    @Test
    void leavesNothingBehindWhenADriveCannotBeOpened() {
        DriveException refusal = assertThrows(DriveException.class, () -> start(
                "iothreads.refused {}\ndrives { d { driver = null-co, size = 1M }, e { driver = file, filename = \""
                        + folder.resolve("none") + "\" } }\n" + device("vda", ", iothread = refused")));
        assertTrue(refusal.getMessage().contains(folder.resolve("none").toString()), refusal.getMessage());
        assertFalse(Files.exists(socket("vda")));
    }

    @Test
    void takesBackTheFirstSocketWhenTheSecondCannotBeMade() throws Exception {
        Files.writeString(socket("vdb"), "somebody's notes");
        assertThrows(RuntimeException.class, () -> start("iothreads.half-started {}\n"
                + "drives { d { driver = null-co }, e { driver = null-co } }\n"
                + device("vda", ", iothread = half-started") + device("vdb", "e", ", num-queues = 1, iothread = half-started")));
        assertFalse(Files.exists(socket("vda")));
        assertEquals("somebody's notes", Files.readString(socket("vdb")));
        await("its thread's end", () -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("half-started")));
    }

    @Test
    void servesTheNextClientOfADeviceAfresh() {
        try (DataPlane plane = start("drives.d { driver = null-co, size = 1M, read-zeroes = on }\n" + device("vda", ""))) {
            DeviceHost host = plane.devices().getFirst();
            for (int client = 1; client <= 3; client++) {
                assertEquals("waiting", host.status().state());
                try (Driver driver = new Driver("vda", 1)) {
                    assertEquals(0, driver.read(0));
                    assertEquals("running", host.status().state());
                }
                await("the device to be free", () -> host.status().state().equals("waiting"));
            }
            assertEquals(3, host.status().counters().getFirst().requests(), "counters outlive clients");
        }
    }

    /** A write, or a read, of so many buffers of so many bytes; all are the same memory. */
    private static int request(BlkQueue queue, int type, int buffers, int bufferBytes) {
        queue.begin(0, type, 0, 0);
        for (int i = 0; i < buffers; i++) queue.addData(0, 0, bufferBytes, type == BlkLayout.T_IN);
        assertTrue(queue.finish(0));
        queue.submit();
        await("its used element", () -> queue.pendingUsed() > 0);
        queue.reap();
        assertTrue(queue.queue().virtqueue().usedLengthBytes() <= (long) buffers * bufferBytes + 1);
        return queue.status(0);
    }

    @Test
    @Tag("virtio-1.3-5.2.4")
    void answersRequestsThatAreLargerThanItAnnounces() throws Exception {
        Path image = folder.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(64 << 20);
        }
        // Without indirect tables a chain may be as long as the queue, which is longer than a device lets requests be.
        VhostUserDisk.Options defaults = VhostUserDisk.Options.defaults().withoutFeatures(VirtqueueLayout.RING_F_INDIRECT_DESC);
        VhostUserDisk.Options options = new VhostUserDisk.Options(
                defaults.features(), 1, 2048, 1200, defaults.memory(), defaults.timeoutNanos(), false);
        try (DataPlane plane = start("drives.d { driver = file, filename = \"" + image + "\" }\n"
                        + device("vda", ", queue-size = 2048"));
                DriverMemory memory = DriverMemory.create(16 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket("vda"), memory, options)) {
            int announced = disk.facts().segmentsMax();
            assertEquals(512, announced);
            assertEquals(0, disk.features() & BlkLayout.F_SIZE_MAX, "a buffer may be of any size");
            BlkQueue queue = new BlkQueue(memory, disk.transport().queues().getFirst(), 1, 1 << 20);
            Memory.fill(queue.dataAddress(0), 1 << 20, 0x6B);
            assertEquals(BlkLayout.S_OK, request(queue, BlkLayout.T_OUT, 40, 1 << 20));
            assertEquals(BlkLayout.S_OK, request(queue, BlkLayout.T_OUT, announced, 4096));
            Memory.fill(queue.dataAddress(0), 1 << 20, 0);
            assertEquals(BlkLayout.S_OK, request(queue, BlkLayout.T_IN, 40, 1 << 20));
            assertEquals((40L << 20) + 1, queue.queue().virtqueue().usedLengthBytes());
            assertEquals(0x6B, Memory.getU8(queue.dataAddress(0) + (1 << 20) - 1));
            assertEquals(BlkLayout.S_IOERR, request(queue, BlkLayout.T_IN, 1100, 512), "more buffers than announced");
            assertEquals(BlkLayout.S_IOERR, request(queue, BlkLayout.T_OUT, 1100, 512));
            assertEquals(BlkLayout.S_IOERR, request(queue, BlkLayout.T_IN, 65, 1 << 20), "past the end");
            assertEquals(BlkLayout.S_OK, request(queue, BlkLayout.T_IN, 1, 512), "none the worse for it");
            assertEquals("running", plane.devices().getFirst().status().state());
        }
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.seek((40 << 20) - 1);
            assertEquals(0x6B, file.read());
            assertEquals(0, file.read());
        }
    }
}
