package io.vireo.actors.iothread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.api.Test;

class DeadlinesTest {
    private final Deadlines deadlines = new Deadlines();

    @Test
    void waitsForEverWithoutAny() {
        assertTrue(deadlines.isEmpty());
        assertEquals(-1, deadlines.nanosToWait(7));
        assertNull(deadlines.pollDue(Long.MAX_VALUE));
    }

    @Test
    void waitsUntilTheFirstAndNotAtAllOnceItPassed() {
        deadlines.add(500, () -> {});
        deadlines.add(300, () -> {});
        assertEquals(200, deadlines.nanosToWait(100));
        assertEquals(0, deadlines.nanosToWait(300));
        assertEquals(0, deadlines.nanosToWait(301));
    }

    @Test
    void keepsATaskUntilItIsDue() {
        Runnable task = () -> {};
        deadlines.add(300, task);
        assertNull(deadlines.pollDue(299));
        assertSame(task, deadlines.pollDue(300));
        assertTrue(deadlines.isEmpty());
    }

    @Test
    void ordersDeadlinesAcrossTheWrapOfTheClock() {
        Runnable before = () -> {};
        Runnable after = () -> {};
        deadlines.add(Long.MIN_VALUE + 5, after);
        deadlines.add(Long.MAX_VALUE - 5, before);
        assertSame(before, deadlines.pollDue(Long.MAX_VALUE - 5));
        assertNull(deadlines.pollDue(Long.MAX_VALUE));
        assertSame(after, deadlines.pollDue(Long.MIN_VALUE + 5));
    }

    @Test
    void agreesWithASortedQueueWhateverTheOrder() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("DeadlinesTest seed=" + seed);
        Random random = new Random(seed);
        PriorityQueue<Long> model = new PriorityQueue<>();
        List<Long> ran = new ArrayList<>();
        for (long now = 0; now < 20_000; now++) {
            if (random.nextInt(3) > 0) {
                long at = now + random.nextInt(200);
                deadlines.add(at, () -> ran.add(at));
                model.add(at);
            }
            if (random.nextInt(20) == 0) {
                ran.clear();
                for (Runnable due; (due = deadlines.pollDue(now)) != null; ) due.run();
                List<Long> expected = new ArrayList<>();
                while (!model.isEmpty() && model.peek() <= now) expected.add(model.remove());
                assertEquals(expected, ran);
            }
            assertEquals(model.isEmpty() ? -1 : Math.max(0, model.peek() - now), deadlines.nanosToWait(now));
        }
    }
}
