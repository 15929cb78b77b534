package io.vireo.monitoring.metrics;

/**
 * What one IOThread counts for one device. A device whose queues are spread has one of these per IOThread, added up when read.
 *
 * <p>Thread: all that changes a number is called by the owning IOThread only, allocates nothing and takes no lock; all that
 * reads may be called by any thread. Numbers only grow: a device that is reset or gets another client keeps its counters.
 */
public final class DeviceCounters {
    // One request's cells lie together: buckets, then bytes, then the sum of latencies.
    private static final int BYTES = LatencyBuckets.COUNT;
    private static final int NANOS = BYTES + 1;
    private static final int PER_OP = NANOS + 1;
    private static final int ERRORS = Op.COUNT * PER_OP;
    private static final int CPU = ERRORS + Op.COUNT * Reason.COUNT;
    private static final int THROTTLED = CPU + 1;
    private static final int KICKS = THROTTLED + 1;

    private final int queues;
    private final Cells cells;

    /** Counters for a device of {@code queues} queues, indexed by the device's own queue numbers on every IOThread. */
    public DeviceCounters(int queues) {
        this.queues = queues;
        cells = new Cells(KICKS + 2 * queues);
    }

    /**
     * Counts a request that is answered, whatever the answer: call it once per request, and {@link #requestFailed} too for one
     * that failed (with 0 bytes).
     *
     * <p>The bucket is written last: who sees the request counted also sees its bytes and its time.
     */
    public void requestCompleted(int op, long bytes, long latencyNanos) {
        int base = op * PER_OP;
        cells.add(base + BYTES, bytes);
        cells.add(base + NANOS, Math.max(0, latencyNanos));
        cells.add(base + LatencyBuckets.of(latencyNanos), 1);
    }

    /** Counts the failure alone, by a {@link Reason}. */
    public void requestFailed(int op, int reason) {
        cells.add(ERRORS + op * Reason.COUNT + reason, 1);
    }

    /** The driver kicked this queue. */
    public void kick(int queue) {
        cells.add(KICKS + 2 * queue, 1);
    }

    /** The driver was called for this queue. */
    public void call(int queue) {
        cells.add(KICKS + 2 * queue + 1, 1);
    }

    /** Adds time the IOThread spent on this device. */
    public void cpuNanos(long nanos) {
        cells.add(CPU, nanos);
    }

    /** Adds time requests of this device were held back by throttling. */
    public void throttledNanos(long nanos) {
        cells.add(THROTTLED, nanos);
    }

    public int queues() {
        return queues;
    }

    /** Requests answered: by definition the sum of the latency buckets. */
    public long requests(int op) {
        long requests = 0;
        for (int bucket = 0; bucket < LatencyBuckets.COUNT; bucket++) requests += latencies(op, bucket);
        return requests;
    }

    /** Requests of all kinds answered. */
    public long requests() {
        long requests = 0;
        for (int op = 0; op < Op.COUNT; op++) requests += requests(op);
        return requests;
    }

    /** Requests whose latency fell into this one bucket (not cumulative). */
    public long latencies(int op, int bucket) {
        return cells.get(op * PER_OP + bucket);
    }

    public long bytes(int op) {
        return cells.get(op * PER_OP + BYTES);
    }

    /** The sum of all latencies. */
    public long latencyNanos(int op) {
        return cells.get(op * PER_OP + NANOS);
    }

    public long errors(int op, int reason) {
        return cells.get(ERRORS + op * Reason.COUNT + reason);
    }

    public long kicks(int queue) {
        return cells.get(KICKS + 2 * queue);
    }

    public long calls(int queue) {
        return cells.get(KICKS + 2 * queue + 1);
    }

    public long cpuNanos() {
        return cells.get(CPU);
    }

    public long throttledNanos() {
        return cells.get(THROTTLED);
    }
}
