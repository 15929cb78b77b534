package io.vireo.actors.vhostuser;

/**
 * How long a listening socket is left alone after accept has failed, for want of descriptors most likely: a second,
 * whatever else keeps its server busy meanwhile. The clock is the caller's. Thread: one.
 */
public final class AcceptPause {
    static final long NANOS = 1_000_000_000L;

    private boolean on;
    private long endNanos;

    public void begin(long nowNanos) {
        on = true;
        endNanos = nowNanos + NANOS;
    }

    public boolean isOn() {
        return on;
    }

    /** True once after each pause: the socket is to be listened to again. */
    public boolean isOver(long nowNanos) {
        if (!on || nowNanos - endNanos < 0) return false;
        on = false;
        return true;
    }

    public long waitNanos(long nowNanos) {
        return Math.max(0, endNanos - nowNanos);
    }
}
