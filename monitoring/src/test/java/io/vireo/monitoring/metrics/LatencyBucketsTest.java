package io.vireo.monitoring.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class LatencyBucketsTest {
    @Test
    void findsTheFirstBoundNotBelowTheLatency() {
        for (int bucket = 0; bucket < LatencyBuckets.COUNT - 1; bucket++) {
            long bound = LatencyBuckets.boundNanos(bucket);
            assertEquals(bucket, LatencyBuckets.of(bound), "at " + bound);
            assertEquals(bucket + 1, LatencyBuckets.of(bound + 1), "past " + bound);
            assertEquals(bucket, LatencyBuckets.of(bound - 1), "before " + bound);
        }
    }

    @Test
    void agreesWithALinearSearch() {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("LatencyBucketsTest seed " + seed);
        var random = new Random(seed);
        for (int i = 0; i < 100_000; i++) {
            long nanos = random.nextLong() >>> random.nextInt(1, 64);
            int expected = 0;
            while (nanos > LatencyBuckets.boundNanos(expected)) expected++;
            assertEquals(expected, LatencyBuckets.of(nanos), "of " + nanos + ", seed " + seed);
        }
    }

    @Test
    void putsClocksGoneBackIntoTheFirst() {
        assertEquals(0, LatencyBuckets.of(0));
        assertEquals(0, LatencyBuckets.of(-1));
        assertEquals(0, LatencyBuckets.of(Long.MIN_VALUE));
        assertEquals(LatencyBuckets.COUNT - 1, LatencyBuckets.of(Long.MAX_VALUE));
    }

    @Test
    void spansOneMicrosecondToTenSeconds() {
        assertEquals(1_000, LatencyBuckets.boundNanos(0));
        assertEquals(10_000_000_000L, LatencyBuckets.boundNanos(LatencyBuckets.COUNT - 2));
        for (int i = 1; i < LatencyBuckets.COUNT; i++) {
            assertTrue(LatencyBuckets.boundNanos(i) / 2 >= LatencyBuckets.boundNanos(i - 1), "one comparison is enough at " + i);
        }
    }
}
