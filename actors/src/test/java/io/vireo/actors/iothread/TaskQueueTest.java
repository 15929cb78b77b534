package io.vireo.actors.iothread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TaskQueueTest {
    private final AtomicInteger wakes = new AtomicInteger();
    private final TaskQueue queue = new TaskQueue(wakes::incrementAndGet);
    private final List<Integer> ran = new ArrayList<>();

    private Runnable numbered(int number) {
        return () -> ran.add(number);
    }

    private void runAll() {
        for (Runnable task; (task = queue.next()) != null; ) task.run();
    }

    @Test
    void runsTasksInTheirOrderHoweverOftenItGrowsAndWraps() {
        int added = 0;
        for (int round = 1; round < 60; round++) {
            for (int i = 0; i < round * 20; i++) queue.addLocal(numbered(added++));
            for (int i = 0; i < round * 10; i++) queue.next().run();
        }
        runAll();
        assertEquals(added, ran.size());
        for (int i = 0; i < added; i++) assertEquals(i, ran.get(i));
        assertNull(queue.next());
    }

    @Test
    void countsWhatIsHere() {
        queue.addLocal(numbered(0));
        queue.addForeign(numbered(1));
        assertEquals(1, queue.localCount());
        assertEquals(1, queue.takeForeign());
        assertEquals(2, queue.localCount());
    }

    @Test
    void putsForeignTasksBehindLocalOnes() {
        queue.addForeign(numbered(2));
        queue.addLocal(numbered(1));
        queue.takeForeign();
        runAll();
        assertEquals(List.of(1, 2), ran);
    }

    @Test
    void wakesNobodyWhoIsAwake() {
        queue.addForeign(numbered(0));
        assertEquals(0, wakes.get());
    }

    @Test
    void wakesASleeperOnceForHoweverManyTasks() {
        assertTrue(queue.fallAsleep());
        queue.addForeign(numbered(0));
        queue.addForeign(numbered(1));
        assertEquals(1, wakes.get());
    }

    @Test
    void refusesToSleepOnALocalOrAForeignTask() {
        queue.addLocal(numbered(0));
        assertFalse(queue.fallAsleep());
        runAll();
        queue.addForeign(numbered(1));
        assertFalse(queue.fallAsleep());
        // Awake again, so that nobody need signal.
        queue.addForeign(numbered(2));
        assertEquals(0, wakes.get());
    }

    /** One thread sleeps whenever it may, another gives it a task and waits for it: a lost wake-up would hang both. */
    @Test
    void losesNoWakeUpBetweenTwoThreads() throws InterruptedException {
        int edges = 200_000 * Integer.getInteger("vireo.soak", 1);
        Semaphore signalled = new Semaphore(0);
        TaskQueue raced = new TaskQueue(signalled::release);
        AtomicInteger done = new AtomicInteger();
        Thread sleeper = new Thread(() -> {
            while (done.get() < edges) {
                raced.takeForeign();
                Runnable task = raced.next();
                if (task != null) task.run();
                else if (raced.fallAsleep()) {
                    signalled.acquireUninterruptibly();
                    raced.wakeUp();
                }
            }
        });
        sleeper.setDaemon(true);
        sleeper.start();
        assertTimeoutPreemptively(Duration.ofSeconds(60 + edges / 20_000), () -> {
            for (int i = 1; i <= edges; i++) {
                raced.addForeign(done::incrementAndGet);
                while (done.get() < i) Thread.onSpinWait();
            }
        });
        sleeper.join();
        assertEquals(edges, done.get());
    }
}
