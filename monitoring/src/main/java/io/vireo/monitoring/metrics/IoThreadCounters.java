package io.vireo.monitoring.metrics;

/**
 * What an IOThread counts about its own loop.
 *
 * <p>Thread: all that changes a number is called by that IOThread only, allocates nothing and takes no lock; all that reads may
 * be called by any thread. Times are of {@link System#nanoTime()}.
 */
public final class IoThreadCounters {
    /** Buckets of the batch histogram: up to 1, 2, 4 .. 128 requests, and more. */
    public static final int BATCH_BUCKETS = 9;

    private static final int BUSY = 0;
    private static final int POLLING = 1;
    private static final int IDLE = 2;
    private static final int TURNS = 3;
    private static final int RING_ENTERS = 4;
    private static final int LAST_TURN = 5;
    private static final int PARKED_SINCE = 6;
    private static final int BATCH_REQUESTS = 7;
    private static final int BATCHES = 8;

    private final Cells cells = new Cells(BATCHES + BATCH_BUCKETS);

    /** A turn of the loop begins; it also ends {@link #parked}, with the time since then counted as idle. */
    public void turn(long nowNanos) {
        long parkedSince = cells.get(PARKED_SINCE);
        if (parkedSince != 0) {
            // Cleared first: a reader that still sees the old idle sum may then miss this sleep, but never counts it twice.
            cells.set(PARKED_SINCE, 0);
            cells.add(IDLE, Math.max(0, nowNanos - parkedSince));
        }
        cells.set(LAST_TURN, nowNanos);
        cells.add(TURNS, 1);
    }

    /** The loop is about to block: until the next {@link #turn} it is idle, and its last turn has no age. */
    public void parked(long nowNanos) {
        cells.set(PARKED_SINCE, nowNanos == 0 ? 1 : nowNanos);
    }

    /** Adds time in which the loop did work. */
    public void busyNanos(long nanos) {
        cells.add(BUSY, nanos);
    }

    /** Adds time in which the loop looked for work and found none. */
    public void pollingNanos(long nanos) {
        cells.add(POLLING, nanos);
    }

    /** So many system calls have entered the ring since it was made. */
    public void ringEnters(long total) {
        cells.set(RING_ENTERS, total);
    }

    /** A batch of {@code requests} requests went into a pipeline. */
    public void batch(int requests) {
        int bucket = requests <= 1 ? 0 : Integer.SIZE - Integer.numberOfLeadingZeros(requests - 1);
        cells.add(BATCH_REQUESTS, requests);
        cells.add(BATCHES + Math.min(bucket, BATCH_BUCKETS - 1), 1);
    }

    public long busyNanos() {
        return cells.get(BUSY);
    }

    public long pollingNanos() {
        return cells.get(POLLING);
    }

    /** Time spent blocked, a sleep that still lasts included. */
    public long idleNanos(long nowNanos) {
        long parkedSince = cells.get(PARKED_SINCE);
        long idle = cells.get(IDLE);
        boolean asleep = parkedSince != 0 && cells.get(PARKED_SINCE) == parkedSince;
        return asleep ? idle + Math.max(0, nowNanos - parkedSince) : cells.get(IDLE);
    }

    public long turns() {
        return cells.get(TURNS);
    }

    public long ringEnters() {
        return cells.get(RING_ENTERS);
    }

    /** How long the turn that now runs has lasted; 0 while the loop sleeps or has not begun. What blocks the loop shows here. */
    public long lastTurnAgeNanos(long nowNanos) {
        if (cells.get(PARKED_SINCE) != 0) return 0;
        return cells.get(TURNS) == 0 ? 0 : Math.max(0, nowNanos - cells.get(LAST_TURN));
    }

    /** Batches whose size fell into this one bucket (not cumulative). */
    public long batches(int bucket) {
        return cells.get(BATCHES + bucket);
    }

    /** Requests in all batches. */
    public long batchRequests() {
        return cells.get(BATCH_REQUESTS);
    }

    /** The inclusive upper bound of a bucket; {@link Integer#MAX_VALUE} for the last. */
    public static int batchBound(int bucket) {
        return bucket == BATCH_BUCKETS - 1 ? Integer.MAX_VALUE : 1 << bucket;
    }
}
