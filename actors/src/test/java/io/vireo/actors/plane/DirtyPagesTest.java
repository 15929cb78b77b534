package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.posix.Fd;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memfd;
import io.vireo.posix.Memory;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.queue.VirtqueueLayout;
import io.vireo.virtio.vhostuser.ProtocolFeatures;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A front-end that moves its guest is told of exactly the pages that its disk has written. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DirtyPagesTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int QUEUE_SIZE = 1024;
    private static final int DEPTH = 32;
    private static final int DATA_BYTES_MAX = 64 << 10;
    private static final int DISK_BYTES = 4 << 20;

    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("dirty-pages-test");

    @AfterEach
    void end() {
        system.terminate();
    }

    /** Two regions, disks that copy themselves and answer what is rarely asked, and one whose reads the kernel does. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "driver = ram, size = 4M|off",
        "driver = ram, size = 4M|on",
        "driver = ram, size = 4M, zoned { model = host-aware, zone-size = 1M }|off",
        "driver = null-co, size = 4M, lifetime { pre-eol-info = 1, type-a = 3, type-b = 0 }|on",
        "driver = file, filename = disk.img, aio = io_uring|off",
        "driver = file, filename = disk.img, aio = io_uring|on"
    })
    @Tag("vhost-user-LOG_SHMFD")
    @Tag("vhost-user/LOG_SHMFD")
    void marksExactlyThePagesThatWereWritten(String drive, String packed) throws Exception {
        System.out.println("DirtyPagesTest seed " + SEED);
        Path image = folder.resolve("disk.img");
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        Path socket = folder.resolve("vda.sock");
        String hocon = "drives.d { " + drive.replace("disk.img", '"' + image.toString() + '"') + " }\n"
                + "devices.vda { drive = d, num-queues = 1, queue-size = 1024, packed = " + packed
                + ", transport.path = \"" + socket + "\" }\n";
        VhostUserDisk.Options options = VhostUserDisk.Options.defaults().withQueues(1, QUEUE_SIZE);
        if (packed.equals("on")) options = options.withFeatures(VirtqueueLayout.F_RING_PACKED);
        try (DataPlane _ = DataPlane.start(
                        system, ConfigLoader.of(ConfigFactory.parseString(hocon), Cpus.online()), new VireoMetrics("test"), true);
                DriverMemory memory = DriverMemory.create(4 << 20, 8 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, options)) {
            assertEquals(packed.equals("on"), (disk.features() & VirtqueueLayout.F_RING_PACKED) != 0);
            new Guest(disk, memory).run();
        }
    }

    private static final class Guest {
        private final SplittableRandom random = new SplittableRandom(SEED);
        private final VhostUserDisk disk;
        private final DriverVirtqueue virtqueue;
        private final BlkQueue queue;
        private final long logBytes;
        private final BitSet written = new BitSet();
        private final boolean packed;
        private int usedCount;

        Guest(VhostUserDisk disk, DriverMemory memory) {
            this.disk = disk;
            packed = (disk.features() & VirtqueueLayout.F_RING_PACKED) != 0;
            virtqueue = disk.transport().queues().getFirst().virtqueue();
            queue = new BlkQueue(memory, disk.transport().queues().getFirst(), DEPTH, DATA_BYTES_MAX);
            DriverMemory.Region last = memory.regions().getLast();
            logBytes = (last.gpa() + last.sizeBytes()) / DirtyLog.PAGE_BYTES / 8;
        }

        void run() {
            Fd file = Memfd.create("vireo-dirty-log", logBytes);
            long features = disk.features() | ProtocolFeatures.NEGOTIABLE;
            try (file; Mapping log = Mapping.shared(file, 0, logBytes, true)) {
                disk.frontend().setLogBase(logBytes, 0, file);
                load(200);
                assertEquals(new BitSet(), take(log), "nobody asked for it yet");
                for (int round = 0; round < 5; round++) {
                    disk.frontend().setFeatures(features | ProtocolFeatures.LOG_ALL);
                    disk.frontend().setLoggedVringAddr(0, virtqueue);
                    written.clear();
                    load(300);
                    judge(log);
                    disk.frontend().setFeatures(features);
                    disk.frontend().setVringAddr(0, virtqueue);
                    take(log);
                    load(100);
                    assertEquals(new BitSet(), take(log), "nobody wants it any more");
                }
            }
        }

        private void load(int requests) {
            for (int begun = 0; begun < requests; ) {
                int batch = random.nextInt(1, DEPTH);
                for (int slot = 0; slot < batch; slot++) begin(slot);
                queue.submit();
                for (int done = 0; done < batch; ) {
                    if (queue.pendingUsed() == 0) Thread.onSpinWait();
                    else if (queue.reap() >= 0) done++;
                }
                begun += batch;
            }
        }

        private void begin(int slot) {
            note(queue.statusGpa(slot), 1);
            noteUsed();
            switch (random.nextInt(6)) {
                case 0 -> assertTrue(queue.start(slot, BlkLayout.T_FLUSH, 0, 0, false));
                case 1 -> assertTrue(queue.start(slot, BlkLayout.T_OUT, sector(4096), 4096, false));
                case 2 -> {
                    note(queue.dataGpa(slot), BlkLayout.ID_BYTES);
                    assertTrue(queue.start(slot, BlkLayout.T_GET_ID, 0, BlkLayout.ID_BYTES, true));
                }
                case 3 -> beginRare(slot);
                default -> {
                    // In two pieces that leave a hole of a page and more, and begin anywhere.
                    int first = random.nextInt(1, 40) * 512;
                    int second = random.nextInt(1, 40) * 512;
                    int start = random.nextInt(4096);
                    queue.begin(slot, BlkLayout.T_IN, sector(first + second), 0);
                    data(slot, start, first);
                    data(slot, start + first + random.nextInt(8192), second);
                    assertTrue(queue.finish(slot));
                }
            }
        }

        /** A chain in an indirect table, as all are here, takes one descriptor of a packed ring. */
        private void noteUsed() {
            int position = usedCount++ & QUEUE_SIZE - 1;
            if (packed) {
                note(virtqueue.descriptorGpa() + (long) position * VirtqueueLayout.DESC_BYTES, VirtqueueLayout.DESC_BYTES);
                return;
            }
            note(virtqueue.deviceGpa() + VirtqueueLayout.USED_IDX, 2);
            note(virtqueue.deviceGpa() + VirtqueueLayout.USED_RING
                    + (long) position * VirtqueueLayout.USED_ELEMENT_BYTES, VirtqueueLayout.USED_ELEMENT_BYTES);
        }

        /** Refused where the disk is no such one. */
        private void beginRare(int slot) {
            if (random.nextBoolean()) {
                if ((disk.features() & BlkLayout.F_LIFETIME) != 0) note(queue.dataGpa(slot), BlkLayout.LIFETIME_BYTES);
                assertTrue(queue.start(slot, BlkLayout.T_GET_LIFETIME, 0, BlkLayout.LIFETIME_BYTES, true));
                return;
            }
            int reportBytes = BlkLayout.REPORT_HEADER_BYTES + BlkLayout.ZONE_BYTES;
            if ((disk.features() & BlkLayout.F_ZONED) != 0) note(queue.dataGpa(slot), reportBytes);
            assertTrue(queue.start(slot, BlkLayout.T_ZONE_REPORT, 0, reportBytes, true));
        }

        private void data(int slot, int offset, int lengthBytes) {
            note(queue.dataGpa(slot) + offset, lengthBytes);
            queue.addData(slot, offset, lengthBytes, true);
        }

        private long sector(int lengthBytes) {
            return random.nextInt((DISK_BYTES - lengthBytes) / 512);
        }

        private void note(long gpa, int lengthBytes) {
            written.set((int) (gpa / DirtyLog.PAGE_BYTES), (int) ((gpa + lengthBytes - 1) / DirtyLog.PAGE_BYTES) + 1);
        }

        /** Whether avail_event, or what is like it in a packed ring, was written depends on whether the device slept. */
        private void judge(Mapping log) {
            // The used ring is marked after the driver could see it; this waits for whoever does.
            disk.frontend().setVringCall(0, queue.queue().call());
            BitSet marked = take(log);
            long availEvent = virtqueue.deviceGpa() + (packed ? 0 : VirtqueueLayout.availEventOffset(QUEUE_SIZE));
            BitSet missing = (BitSet) written.clone();
            missing.andNot(marked);
            assertEquals(new BitSet(), missing, "pages written and not marked, seed " + SEED);
            marked.andNot(written);
            marked.clear((int) (availEvent / DirtyLog.PAGE_BYTES));
            assertEquals(new BitSet(), marked, "pages marked and not written, seed " + SEED);
        }

        private BitSet take(Mapping log) {
            byte[] bytes = new byte[(int) logBytes];
            Memory.copy(log.address(), bytes, 0, bytes.length);
            Memory.zero(log.address(), bytes.length);
            return BitSet.valueOf(bytes);
        }
    }
}
