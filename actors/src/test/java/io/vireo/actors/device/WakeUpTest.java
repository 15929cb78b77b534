package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vireo.actors.iothread.IoThread;
import io.vireo.config.IoThreadConfig;
import io.vireo.storage.node.AioMode;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every edge between idle and busy, with the ring and without: {@code -Dvireo.soak} multiplies them. */
class WakeUpTest {
    private static final int EDGES = 100_000 * Integer.getInteger("vireo.soak", 1);
    /** Short, so that the loop parks in the midst of the delays below. */
    private static final Duration POLL_MAX = Duration.ofNanos(10_000);
    private static final int DELAY_NANOS_MAX = 40_000;
    private static final int DELAY_NANOS_MOST = 640_000;
    private static final long OBSERVED_NANOS = 500_000_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Plane plane = new Plane();
    private final long seed = Long.getLong("vireo.seed", System.nanoTime());
    private final Random random = new Random(seed);

    @AfterEach
    void end() {
        plane.close();
    }

    private IoThread ioThread(boolean uring) {
        System.out.println("WakeUpTest seed=" + seed + " uring=" + uring + " edges=" + EDGES);
        IoThread ioThread = plane.ioThread(IoThreadConfig.of("io0").withPollMax(POLL_MAX), uring);
        assertEquals(uring, ioThread.kindOf(AioMode.AUTO) == AioMode.IO_URING);
        return ioThread;
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void losesNeitherAKickNorACallBetweenADriverAndADeviceThatBothSleep(boolean uring) {
        IoThread ioThread = ioThread(uring);
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, new WitnessNode(), 1)) {
            int delayMax = DELAY_NANOS_MAX;
            int edges = 0;
            // On a busy host the device may get no processor in the time that it needs to fall asleep: then there is more.
            for (; edges < EDGES || edges < 3 * EDGES && driven.queue.kicks() <= EDGES / 10; edges++) {
                int edge = edges;
                if (edge % 1000 == 999 && driven.queue.kicks() < edge / 5) delayMax = Math.min(2 * delayMax, DELAY_NANOS_MOST);
                spin(random.nextInt(delayMax));
                driven.read(0);
                driven.queue.submit();
                spin(random.nextInt(DELAY_NANOS_MAX / 8));
                if (!driven.awaitCall()) throw new AssertionError("edge " + edge + ", " + driven.queue.queue().virtqueue());
                assertEquals(0, driven.queue.reap());
            }
            int all = edges;
            Plane.await("the interrupt actor", () -> driven.passage().decided() == all);
            assertTrue(driven.queue.kicks() > EDGES / 10, "the device hardly slept: kicks=" + driven.queue.kicks());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void losesNoTaskFromAnotherThread(boolean uring) {
        IoThread ioThread = ioThread(uring);
        AtomicInteger ran = new AtomicInteger();
        for (int edge = 1; edge <= EDGES; edge++) {
            spin(random.nextInt(DELAY_NANOS_MAX));
            int expected = edge;
            ioThread.execute(ran::incrementAndGet);
            Plane.await("task " + edge, () -> ran.get() == expected);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void usesNoCpuWhenIdleAndCallsNobody(boolean uring) {
        IoThread ioThread = ioThread(uring);
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, new WitnessNode(), 1)) {
            driven.read(0);
            driven.queue.submit();
            assertTrue(driven.awaitCall());
            driven.queue.reap();
            // The used ring is written before the call is made: the read's own may still be on its way.
            driven.isCalled(OBSERVED_NANOS / 5);
            long thread = ioThread.thread().threadId();
            long turns = ioThread.counters().turns();
            long before = THREADS.getThreadCpuTime(thread);
            assertFalse(driven.isCalled(OBSERVED_NANOS));
            long used = THREADS.getThreadCpuTime(thread) - before;
            assertTrue(used < OBSERVED_NANOS / 100, "nanoseconds of cpu: " + used);
            assertTrue(ioThread.counters().turns() - turns < 1_000);
        }
    }

    private static void spin(int nanos) {
        for (long until = System.nanoTime() + nanos; System.nanoTime() - until < 0; ) Thread.onSpinWait();
    }
}
