package io.vireo.actors.device;

/**
 * Decides when a part of what is done is shown to the driver a little later than the rest.
 *
 * <p>A driver that sleeps until it is called wakes up, takes all that is done, hands in as many requests, and sleeps
 * again, while its device works: the two take turns, and each turn costs a wake-up, 15 us and more. If the half of what
 * is done is held back until the driver has come with new requests, it finds that half done when it looks again, needs
 * not sleep, and both work at once. A driver that does not come back gets the rest after {@link #HOLD_NANOS}, and is
 * left alone for a while.
 *
 * <p>Arithmetic only. Thread: the owning IOThread.
 */
final class Stagger {
    /** About as long as a driver takes to wake up and come back. */
    static final long HOLD_NANOS = 30_000;
    /** Fewer are not worth a second look. */
    static final int DONE_MIN = 8;
    /** How many chances are let pass at the most after one that was of no use. */
    static final int PASS_MAX = 4096;

    private boolean driverSleeps;
    private boolean holding;
    private long heldSinceNanos;
    private int passes;
    private int toPass;

    /**
     * Of {@code done} requests that the driver has not been shown, how many to hold back.
     *
     * @param nowNanos when the first of them would be held
     */
    int holdBack(int done, long nowNanos) {
        if (!driverSleeps || done < DONE_MIN) {
            holding = false;
            return 0;
        }
        if (toPass > 0) {
            toPass--;
            holding = false;
            return 0;
        }
        if (!holding) heldSinceNanos = nowNanos;
        holding = true;
        return done / 2;
    }

    boolean isHolding() {
        return holding;
    }

    boolean isHeldTooLong(long nowNanos) {
        return nowNanos - heldSinceNanos > HOLD_NANOS;
    }

    /** The driver was called, or did not need it: whether it slept. */
    void decided(boolean called) {
        driverSleeps = called;
    }

    /** Nothing is held any more: the driver came with requests, or was waited for in vain. */
    void released(boolean driverCame) {
        if (!holding) return;
        holding = false;
        passes = driverCame ? 0 : Math.min(PASS_MAX, passes * 2 + 1);
        toPass = passes;
    }
}
