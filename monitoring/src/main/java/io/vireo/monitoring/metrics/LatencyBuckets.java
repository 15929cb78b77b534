package io.vireo.monitoring.metrics;

/**
 * The upper bounds of the latency histogram, in nanoseconds, and the way from a latency to its bucket.
 *
 * <p>18 finite bounds from 1 us to 10 s and one without end: finer would push a device over its 200 series. Neighbours are at
 * least a factor of two apart, so that no two bounds have the same bit length and the search is one look-up and one comparison.
 */
public final class LatencyBuckets {
    private static final long US = 1_000, MS = 1_000_000, S = 1_000_000_000;
    private static final long[] BOUNDS = {
        US, 2 * US, 5 * US, 10 * US, 20 * US, 50 * US, 100 * US, 200 * US, 500 * US,
        MS, 2 * MS, 5 * MS, 10 * MS, 30 * MS, 100 * MS, 300 * MS, S, 10 * S, Long.MAX_VALUE};

    /** How many there are, the unbounded last one included. */
    public static final int COUNT = BOUNDS.length;

    /** By bit length of the latency: the bucket of the shortest latency of that length. */
    private static final byte[] FIRST = new byte[Long.SIZE];

    static {
        for (int bits = 1; bits < FIRST.length; bits++) {
            int bucket = 0;
            while ((1L << (bits - 1)) > BOUNDS[bucket]) bucket++;
            FIRST[bits] = (byte) bucket;
        }
    }

    private LatencyBuckets() {}

    /** The bucket whose bound is the first not below {@code nanos}; a negative latency (clocks) counts as none. */
    public static int of(long nanos) {
        if (nanos <= 0) return 0;
        int bucket = FIRST[Long.SIZE - Long.numberOfLeadingZeros(nanos)];
        return nanos > BOUNDS[bucket] ? bucket + 1 : bucket;
    }

    /** The inclusive upper bound, in nanoseconds; {@link Long#MAX_VALUE} for the last. */
    public static long boundNanos(int bucket) {
        return BOUNDS[bucket];
    }
}
