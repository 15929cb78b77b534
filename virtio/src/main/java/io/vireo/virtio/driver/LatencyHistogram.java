package io.vireo.virtio.driver;

/**
 * Counts of durations in nanoseconds, in buckets whose width is at most 1/64 of their value. Thread: one records; who
 * reads meanwhile sees counts of slightly different moments.
 */
public final class LatencyHistogram {
    private static final int SUB_BITS = 6;
    private static final int SUB_BUCKETS = 1 << SUB_BITS;
    private static final int BUCKETS = (Long.SIZE - SUB_BITS) * SUB_BUCKETS;

    private final long[] counts = new long[BUCKETS];
    private long total;
    private long sumNanos;
    private long maxNanos;

    public void record(long nanos) {
        long value = Math.max(0, nanos);
        counts[bucket(value)]++;
        total++;
        sumNanos += value;
        if (value > maxNanos) maxNanos = value;
    }

    public void add(LatencyHistogram other) {
        for (int i = 0; i < BUCKETS; i++) counts[i] += other.counts[i];
        total += other.total;
        sumNanos += other.sumNanos;
        maxNanos = Math.max(maxNanos, other.maxNanos);
    }

    public long count() {
        return total;
    }

    public long maxNanos() {
        return maxNanos;
    }

    public long meanNanos() {
        return total == 0 ? 0 : sumNanos / total;
    }

    /** The duration that {@code share} of all (0.99 for p99) did not exceed, rounded up to a bucket; 0 when empty. */
    public long nanosAt(double share) {
        if (total == 0) return 0;
        long rank = Math.max(1, (long) Math.ceil(share * total));
        long seen = 0;
        for (int i = 0; i < BUCKETS; i++) {
            seen += counts[i];
            if (seen >= rank) return Math.min(maxNanos, highest(i));
        }
        return maxNanos;
    }


    @Override
    public String toString() {
        return count() + " with p50 " + nanosAt(0.5) + ", p99 " + nanosAt(0.99) + ", p99.9 " + nanosAt(0.999) + ", max "
                + maxNanos() + " ns";
    }

    private static int bucket(long value) {
        if (value < SUB_BUCKETS) return (int) value;
        int shift = Long.SIZE - 1 - Long.numberOfLeadingZeros(value) - SUB_BITS;
        // The leading one counts as the step to the next row, hence shift rows and a sub-bucket of 64 to 127.
        return (shift << SUB_BITS) + (int) (value >>> shift);
    }

    private static long highest(int bucket) {
        if (bucket < 2 * SUB_BUCKETS) return bucket;
        int shift = (bucket >> SUB_BITS) - 1;
        long sub = SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1));
        return ((sub + 1) << shift) - 1;
    }
}
