package io.vireo.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Memory;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A driver and a device on two threads that sleep whenever they may: a kick or a call that is lost leaves both asleep, a
 * descriptor that is seen too early has wrong content. Chains of any length are used in any order, and shown in part.
 */
class DriverAndDeviceTest {
    private static final int REQUESTS = 30_000 * Integer.getInteger("vireo.soak", 1);
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int ASLEEP_SECONDS = 20;
    private static final int SLOT_BYTES = 256;

    private final DriverMemory memory = DriverMemory.create(8 << 20, 4 << 20);
    private final Semaphore kick = new Semaphore(0);
    private final Semaphore call = new Semaphore(0);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    @ParameterizedTest
    @CsvSource({"8, 0x400000000", "7, 0x420000000", "5, 0x430000000", "1, 0x430000000", "64, 0x430000000", "64, 0x410000000",
            "8, 0", "64, 0x30000000", "64, 0x830000000", "8, 0x800000000", "64, 0xC30000000", "7, 0xC20000000"})
    @Tag("virtio-1.3-2.7.9")
    @Tag("virtio-1.3-2.8.8")
    @Tag("virtio-1.3-2.8.10")
    @Tag("virtio-1.3-2.8.21.1")
    @Tag("virtio-1.3-2.7.8.2/len-first")
    @Tag("virtio-1.3-2.8.12/order")
    @Tag("virtio-1.3-2.8.15/unchanged")
    void everyChainComesBackOnceAsItWasSent(int size, long features) throws InterruptedException {
        System.out.printf("DriverAndDeviceTest seed %d (-Dvireo.seed), size %d, features 0x%x%n", SEED, size, features);
        DriverVirtqueue driver = DriverVirtqueue.of(memory, size, features, 5);
        VirtqueueAreas areas =
                new VirtqueueAreas(driver.descriptorAddress(), driver.driverAddress(), driver.deviceAddress());
        Virtqueue queue = Virtqueue.of(0, size, areas, driver.resumeBase(), features);
        Thread device = Thread.ofPlatform().name("device").start(() -> run(() -> serve(queue)));
        run(() -> drive(driver, size));
        device.join();
        assertNull(failure.get(), () -> "seed " + SEED + ": " + failure.get());
        assertEquals(driver.resumeBase(), queue.base());
        assertEquals(0, queue.inFlight());
        memory.close();
    }

    private interface Body {
        void run() throws InterruptedException;
    }

    private void run(Body body) {
        try {
            body.run();
        } catch (Throwable thrown) {
            failure.compareAndSet(null, thrown);
        }
    }

    private void sleep(Semaphore until, String who) throws InterruptedException {
        assertTrue(until.tryAcquire(ASLEEP_SECONDS, TimeUnit.SECONDS), who + " was not woken");
        if (failure.get() != null) throw new AssertionError("the other side failed");
    }

    /** A request's first 8 bytes are its number; the device writes it into the last 8, and as the length its low bits. */
    private void serve(Virtqueue queue) throws InterruptedException {
        GuestMemory guest = GuestMemory.of(memory.regions().stream()
                .map(region -> new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(),
                        region.userAddress(), SharedMapping.of(() -> {})))
                .toList());
        Chain chain = new Chain(queue.size());
        Random random = new Random(SEED);
        int[] ids = new int[queue.size()];
        int[] lengths = new int[queue.size()];
        int held = 0;
        int done = 0;
        while (done < REQUESTS) {
            queue.suppressKicks();
            while (held < ids.length && queue.poll(guest, chain)) {
                long number = Memory.getLong(chain.address(0));
                Memory.putLong(chain.address(chain.count() - 1), number);
                ids[held] = chain.id();
                lengths[held++] = 8 + (int) (number & 7);
            }
            int take = held == 0 ? 0 : random.nextInt(held + 1);
            for (int i = 0; i < take; i++) {
                int at = random.nextInt(held);
                queue.pushUsed(ids[at], lengths[at]);
                ids[at] = ids[--held];
                lengths[at] = lengths[held];
                done++;
            }
            if (random.nextBoolean()) queue.publishUsed();
            if (queue.needsCall()) call.release();
            for (int i = random.nextInt(200); i > 0; i--) Thread.onSpinWait();
            if (held == 0 && done < REQUESTS && queue.unpublished() == 0 && !queue.enableKicks()) sleep(kick, "the device");
        }
        queue.publishUsed();
        if (queue.needsCall()) call.release();
    }

    private void drive(DriverVirtqueue driver, int size) throws InterruptedException {
        Random random = new Random(~SEED);
        long slots = memory.allocate((long) size * SLOT_BYTES, 64);
        int[] free = new int[size];
        for (int i = 0; i < size; i++) free[i] = i;
        int freeCount = size;
        long[] numbers = new long[size];
        int sent = 0;
        int seen = 0;
        driver.suppressCalls();
        while (seen < REQUESTS) {
            for (int burst = random.nextInt(1, size + 1); burst > 0 && freeCount > 0 && sent < REQUESTS; burst--) {
                int slot = free[freeCount - 1];
                numbers[slot] = random.nextLong();
                if (!send(driver, slot, memory, slots + (long) slot * SLOT_BYTES, numbers[slot], random)) break;
                freeCount--;
                sent++;
            }
            driver.publish();
            if (driver.kickNeeded()) kick.release();
            for (int i = random.nextInt(200); i > 0; i--) Thread.onSpinWait();
            while (driver.pendingUsed() == 0) {
                if (!driver.armCall()) sleep(call, "the driver");
                driver.suppressCalls();
            }
            for (int slot; (slot = driver.reap()) >= 0; seen++) {
                long answer = memory.address(slots + (long) slot * SLOT_BYTES) + SLOT_BYTES - 16;
                assertEquals(numbers[slot], Memory.getLong(answer));
                assertEquals(8 + (numbers[slot] & 7), driver.usedLengthBytes());
                free[freeCount++] = slot;
            }
        }
    }

    /** In a ring of one descriptor, and now and then in others, the one buffer is written over. */
    private static boolean send(
            DriverVirtqueue driver, int slot, DriverMemory memory, long gpa, long number, Random random) {
        driver.useIndirect(random.nextBoolean());
        driver.begin();
        long answer = gpa + SLOT_BYTES - 16;
        if (driver.buffersMax() > 1 && random.nextInt(8) != 0) {
            Memory.putLong(memory.address(gpa), number);
            driver.add(gpa, 8, false);
            for (int more = random.nextInt(driver.buffersMax() - 1); more > 0; more--) driver.add(gpa + 8L * more, 8, false);
        } else {
            Memory.putLong(memory.address(answer), number);
        }
        driver.add(answer, 16, true);
        return driver.commit(slot);
    }
}
