package io.vireo.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
    @Test
    void isEmptyAtFirst() {
        assertEquals(0, new LatencyHistogram().nanosAt(0.99));
        assertEquals(0, new LatencyHistogram().meanNanos());
    }

    @Test
    void quantilesAreWithinABucketOfTheTruth() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        long[] values = new long[20_000];
        LatencyHistogram histogram = new LatencyHistogram();
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextLong() >>> 1 + random.nextInt(63);
            histogram.record(values[i]);
        }
        Arrays.sort(values);
        for (double share : new double[] {0.0001, 0.25, 0.5, 0.9, 0.99, 0.999, 1}) {
            long exact = values[(int) Math.ceil(share * values.length) - 1];
            long found = histogram.nanosAt(share);
            assertTrue(found >= exact && found - exact <= exact / 64, "seed " + seed + " " + share + ": " + exact + " " + found);
        }
        assertEquals(values[values.length - 1], histogram.maxNanos());
    }

    @Test
    void addingIsAsRecordingBoth() {
        LatencyHistogram one = new LatencyHistogram();
        LatencyHistogram other = new LatencyHistogram();
        one.record(10);
        other.record(1_000_000);
        other.record(-5); // a clock of another processor
        one.add(other);
        assertEquals(3, one.count());
        assertEquals(1_000_000, one.maxNanos());
        assertEquals(10, one.nanosAt(0.6));
        assertEquals(333_336, one.meanNanos());
    }
}
