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
    /** What it takes to wake a thread on a processor that sleeps too. */
    private static final long WAKE_UP_NANOS = 20_000;
    /** How many gaps that polling bridged, or would have, one can draw on. */
    private static final int CREDIT_MAX = 8;

    private final long maxNanos;
    private final int grow;
    private final int shrink;
    private long nanos;
    private int credit;

    /**
     * @param maxNanos 0 = never poll
     * @param grow factor; 0 means 2, as in QEMU
     * @param shrink divisor; 0 means to nothing at once
     */
    PollingWindow(long maxNanos, int grow, int shrink) {
        this.maxNanos = maxNanos;
        this.grow = grow == 0 ? 2 : grow;
        this.shrink = shrink;
    }

    long nanos() {
        return nanos;
    }

    /** Learns from one idle period, spinning and sleeping together. */
    void idled(long gapNanos, boolean slept) {
        long realNanos = slept ? Math.max(0, gapNanos - WAKE_UP_NANOS) : gapNanos;
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
