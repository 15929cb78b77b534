package io.vireo.actors.iothread;

/**
 * How long an IOThread spins before it sleeps, by QEMU's rule: a gap that polling would just have bridged makes the
 * window grow, a gap longer than the longest window makes it shrink.
 *
 * <p>Arithmetic only: the caller measures. Thread: the owning IOThread.
 */
final class PollingWindow {
    /** Where growing starts from 0. */
    private static final long START_NANOS = 4_000;

    private final long maxNanos;
    private final int grow;
    private final int shrink;
    private long nanos;

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
    void idled(long gapNanos) {
        if (gapNanos <= nanos) return;
        if (gapNanos > maxNanos) {
            nanos = shrink == 0 ? 0 : nanos / shrink;
        } else if (nanos < maxNanos) {
            nanos = Math.min(maxNanos, nanos == 0 ? START_NANOS : nanos * grow);
        }
    }
}
