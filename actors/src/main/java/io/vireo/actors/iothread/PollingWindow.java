package io.vireo.actors.iothread;

/**
 * How long an IOThread spins before it sleeps, by QEMU's rule: a gap that polling would just have bridged makes the
 * window grow, a gap longer than the longest window makes it shrink. Two things are added. A window that mostly pays
 * outlives a long gap now and then. And a gap that ended in sleep seems longer than it was, by the time that waking up
 * takes: without allowing for that, a thread that sleeps never learns that it need not.
 *
 * <p>Arithmetic only: the caller measures. Thread: the owning IOThread.
 */
final class PollingWindow {
    /** Where growing starts from 0. */
    private static final long START_NANOS = 4_000;
    /** What it takes to wake a thread on a processor that sleeps too: an interrupt from the one that drives. */
    private static final long DRIVER_WAKE_UP_NANOS = 20_000;
    /** The same of a disk's interrupt, which comes to a processor of ours as a rule. */
    private static final long STORAGE_WAKE_UP_NANOS = 4_000;
    /** Spinning for longer than this costs more than the sleep that it saves. */
    private static final long STORAGE_MAX_NANOS = 2 * STORAGE_WAKE_UP_NANOS;
    /** How many gaps that polling bridged, or would have, one can draw on. */
    private static final int CREDIT_MAX = 8;

    private final long maxNanos;
    private final long wakeUpNanos;
    private final int grow;
    private final int shrink;
    private long nanos;
    private int credit;

    private PollingWindow(long maxNanos, long wakeUpNanos, int grow, int shrink) {
        this.maxNanos = maxNanos;
        this.wakeUpNanos = wakeUpNanos;
        this.grow = grow == 0 ? 2 : grow;
        this.shrink = shrink;
    }

    /**
     * Of a thread that waits for drivers alone.
     *
     * @param maxNanos 0 = never poll
     * @param grow factor; 0 means 2, as in QEMU
     * @param shrink divisor; 0 means to nothing at once
     */
    static PollingWindow forDrivers(long maxNanos, int grow, int shrink) {
        return new PollingWindow(maxNanos, DRIVER_WAKE_UP_NANOS, grow, shrink);
    }

    /** The same of one that waits for storage, and for drivers meanwhile. */
    static PollingWindow forStorage(long maxNanos, int grow, int shrink) {
        return new PollingWindow(Math.min(maxNanos, STORAGE_MAX_NANOS), STORAGE_WAKE_UP_NANOS, grow, shrink);
    }

    long nanos() {
        return nanos;
    }

    /** Learns from one idle period, spinning and sleeping together. */
    void idled(long gapNanos, boolean slept) {
        long realNanos = slept ? Math.max(0, gapNanos - wakeUpNanos) : gapNanos;
        if (realNanos > maxNanos) {
            if (--credit >= 0) return;
            credit = 0;
            nanos = shrink == 0 ? 0 : nanos / shrink;
            return;
        }
        credit = Math.min(CREDIT_MAX, credit + 1);
        if (realNanos > nanos) nanos = Math.min(maxNanos, nanos == 0 ? START_NANOS : nanos * grow);
    }
}
