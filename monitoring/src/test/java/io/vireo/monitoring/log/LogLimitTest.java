package io.vireo.monitoring.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LogLimitTest {
    private static final long SECOND = 1_000_000_000L;

    /** Near the wrap of the clock, since nanoTime promises nothing about its origin. */
    private final long start = Long.MAX_VALUE - 2 * SECOND;
    private final LogLimit limit = new LogLimit(start);

    @Test
    void writesTenLinesASecondInAll() {
        int written = 0;
        for (int i = 0; i < 10_000; i++) {
            if (limit.admits("vd" + i % 3, "EIO", start + i * SECOND / 1_000)) written++;
        }
        assertTrue(written >= 100 && written <= 110, written + " lines in 10 s");
        assertEquals(10_000 - written, limit.suppressed());
    }

    @Test
    void alwaysWritesTheFirstOfAKindOfADevice() {
        for (int i = 0; i < 1_000; i++) limit.admits("vda", "EIO", start);
        assertFalse(limit.admits("vda", "EIO", start));
        assertTrue(limit.admits("vda", "ENOSPC", start));
        assertTrue(limit.admits("vdb", "EIO", start));
        assertFalse(limit.admits("vdb", "EIO", start));
    }

    @Test
    void chargesFirstsAndForgivesAfterTenSeconds() {
        for (int i = 0; i < 500; i++) assertTrue(limit.admits("vd" + i, "EIO", start), "first " + i);
        assertFalse(limit.admits("vd0", "EIO", start + 9 * SECOND));
        assertTrue(limit.admits("vd0", "EIO", start + 10 * SECOND));
    }

    @Test
    void boundsWhatItRemembers() {
        for (int i = 0; i < LogLimit.MAX_KINDS; i++) assertTrue(limit.admits("vd" + i, "EIO", start), "first " + i);
        assertFalse(limit.admits("one more", "EIO", start));
        limit.forget("vd7");
        assertTrue(limit.admits("one more", "EIO", start), "the forgotten one's place is free");
        assertEquals(1, limit.suppressed());
    }

    @Test
    void tellsInOneLineTenSecondsAfterTheFirstSuppressed() {
        assertEquals("", limit.summaryIfDue(start).orElse(""));
        for (int i = 0; i < 100; i++) limit.admits("vda", "EIO", start);
        for (int i = 0; i < 5; i++) limit.admits("vdb", "out-of-range", start);
        assertTrue(limit.summaryIfDue(start + 9 * SECOND).isEmpty());
        assertEquals("94 lines suppressed, at most 10 a second are written: vda EIO 90, vdb out-of-range 4",
                limit.summaryIfDue(start + 10 * SECOND).orElse(""));
        assertTrue(limit.summaryIfDue(start + 20 * SECOND).isEmpty(), "told once");
        assertTrue(limit.summary(start + 20 * SECOND).isEmpty(), "nothing left at the end");
    }

    @Test
    void losesNoCountAmongThreads() throws InterruptedException {
        var written = new AtomicInteger();
        var threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            threads[t] = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 50_000; i++) {
                    if (limit.admits("vda", "EIO", start)) written.incrementAndGet();
                }
            });
        }
        for (Thread thread : threads) thread.join();
        assertTrue(written.get() >= 10 && written.get() <= 11, written + " at one instant");
        assertEquals(4 * 50_000 - written.get(), limit.suppressed());
    }
}
