package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Fd;
import io.vireo.posix.Memfd;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.driver.VhostUserDisk.MemoryMessages;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** A VMM plugs memory, and takes it away again, while the guest's disk works: nothing is wrong, and nothing waits for it. */
@Timeout(180)
@Tag("vhost-user-CONFIGURE_MEM_SLOTS")
@Isolated("looks for stalls of milliseconds")
final class MemoryPlugTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final long PLUG_GPA = 1L << 40;
    private static final long PLUG_BYTES = 64L << 20;
    private static final int PLUGGED_MAX = 8;
    private static final long PAUSE_NANOS = 100_000_000;
    private static final int CHANGES = 20;
    private static final long STALL_NANOS = 10_000_000;
    /** A stall that belongs to the memory is there in each; one that belongs to the machine's other work is not. */
    private static final int ATTEMPTS = 5;

    @TempDir
    Path folder;

    @Test
    void regionsComeAndGoUnderLoadWithoutAStall() throws Exception {
        System.out.println("MemoryPlugTest -Dvireo.seed=" + SEED);
        int metricsPort = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.disk { driver = ram, size = 16M }
                  devices.vda { drive = disk, transport.path = vda.sock }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(metricsPort));
        VhostUserDisk.Options options = VhostUserDisk.Options.defaults().withMemory(MemoryMessages.SLOTS);
        try (VireoDaemon _ = VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "vda");
                DriverMemory memory = DriverMemory.create(32 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(folder.resolve("vda.sock"), memory, options)) {
            // Few requests at a time, so that what waits is seen and not what queues up.
            VerifyingLoad load = new VerifyingLoad(disk.transport(),
                    LoadOptions.of(SEED).withDepth(4).withDataBytesMax(8192).withSweep(false));
            List<Long> longest = new ArrayList<>();
            while (longest.size() < ATTEMPTS && longest.stream().noneMatch(nanos -> nanos < STALL_NANOS)) {
                CompletableFuture<LoadResult> running = CompletableFuture.supplyAsync(load::run);
                plugAndUnplug(disk);
                load.stop();
                LoadResult result = running.get();
                assertTrue(result.clean(), result::toString);
                assertTrue(result.verifiedSectors() > 0, result::toString);
                longest.add(result.latency().maxNanos());
            }
            System.out.println("MemoryPlugTest longest requests, ns: " + longest);
            assertTrue(longest.getLast() < STALL_NANOS, () -> "every time a request took too long: " + longest + " ns");
        }
    }

    private static void plugAndUnplug(VhostUserDisk disk) {
        Deque<DriverMemory.Region> plugged = new ArrayDeque<>();
        long slots = disk.frontend().getMaxMemSlots();
        assertEquals(509, slots);
        long next = PLUG_GPA;
        long due = System.nanoTime();
        for (int change = 0; change < CHANGES; change++) {
            due += PAUSE_NANOS;
            while (System.nanoTime() - due < 0) LockSupport.parkNanos(due - System.nanoTime());
            Fd file = Memfd.create("vireo-plugged", PLUG_BYTES);
            DriverMemory.Region region = new DriverMemory.Region(next, PLUG_BYTES, file, 0, next);
            next += 2 * PLUG_BYTES;
            disk.frontend().addMemReg(region);
            plugged.add(region);
            if (plugged.size() > PLUGGED_MAX) unplug(disk, plugged.removeFirst());
        }
        plugged.forEach(region -> unplug(disk, region));
    }

    private static void unplug(VhostUserDisk disk, DriverMemory.Region region) {
        disk.frontend().remMemReg(region);
        region.fd().close();
    }
}
