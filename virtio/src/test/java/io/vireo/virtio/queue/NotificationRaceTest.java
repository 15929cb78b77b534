package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.GuestRing.readable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Memory;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A driver and a device on two threads that sleep whenever they may: a kick or a call that is lost leaves both asleep.
 * The semaphores are the eventfds.
 */
class NotificationRaceTest {
    private static final int SIZE = 8;
    private static final int REQUESTS = 40_000 * Integer.getInteger("vireo.soak", 1);
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int ASLEEP_SECONDS = 20;

    private final GuestRing guest = new GuestRing(SIZE, 64 << 10);
    private final Semaphore kick = new Semaphore(0);
    private final Semaphore call = new Semaphore(0);
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Tag("virtio-1.3-2.7.10")
    @Tag("virtio-1.3-2.7.7.2/used-event")
    @Tag("virtio-1.3-2.7.10.2/lost")
    void losesNoKickAndNoCallOnTheEdgeOfSleep(boolean eventIdx) throws InterruptedException {
        System.out.println("NotificationRaceTest seed " + SEED + " (-Dvireo.seed), event index " + eventIdx);
        long page = guest.allocate(4096, 4096);
        for (int i = 0; i < SIZE; i++) guest.chain(i, readable(page, 16));
        Thread device = Thread.ofPlatform().name("device").start(() -> run(() -> serve(eventIdx)));
        run(() -> drive(eventIdx));
        device.join();
        assertNull(failure.get(), () -> "seed " + SEED + ": " + failure.get());
        assertEquals(REQUESTS & 0xFFFF, guest.usedIdx());
        guest.close();
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
    }

    private void serve(boolean eventIdx) throws InterruptedException {
        Virtqueue queue = guest.virtqueue(eventIdx ? VirtqueueLayout.RING_F_EVENT_IDX : 0);
        Chain chain = new Chain(SIZE);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        int served = 0;
        while (served < REQUESTS) {
            queue.suppressKicks();
            int fresh = 0;
            while (queue.poll(guest.memory(), chain)) {
                queue.pushUsed(chain.id(), 0);
                fresh++;
            }
            served += fresh;
            queue.publishUsed();
            if (queue.needsCall()) call.release();
            spin(random.nextInt(200));
            if (served < REQUESTS && !queue.enableKicks()) sleep(kick, "the device");
        }
    }

    /** The driver's half, from the specification's words (2.7.13): it shares only the layout with the device. */
    private void drive(boolean eventIdx) throws InterruptedException {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(~SEED);
        int published = 0;
        int seen = 0;
        guest.availFlags(VirtqueueLayout.AVAIL_F_NO_INTERRUPT);
        while (seen < REQUESTS) {
            int burst = Math.min(random.nextInt(1, SIZE), Math.min(REQUESTS - published, SIZE - (published - seen)));
            for (int i = 0; i < burst; i++) guest.publishOne((published + i) % SIZE);
            int old = published;
            published += burst;
            Memory.fullFence();
            boolean wanted = eventIdx
                    ? ((published - guest.availEvent() - 1) & 0xFFFF) < ((published - old) & 0xFFFF)
                    : (guest.usedFlags() & VirtqueueLayout.USED_F_NO_NOTIFY) == 0;
            if (burst > 0 && wanted) kick.release();
            spin(random.nextInt(200));
            seen = awaitUsed(eventIdx, seen);
        }
    }

    private int awaitUsed(boolean eventIdx, int seen) throws InterruptedException {
        while (usedSince(seen) == 0) {
            if (eventIdx) guest.usedEvent(seen & 0xFFFF);
            else guest.availFlags(0);
            Memory.fullFence();
            if (usedSince(seen) == 0) sleep(call, "the driver");
            if (!eventIdx) guest.availFlags(VirtqueueLayout.AVAIL_F_NO_INTERRUPT);
        }
        return seen + usedSince(seen);
    }

    private int usedSince(int seen) {
        return (guest.usedIdx() - seen) & 0xFFFF;
    }

    private static void spin(int turns) {
        for (int i = 0; i < turns; i++) Thread.onSpinWait();
    }
}
