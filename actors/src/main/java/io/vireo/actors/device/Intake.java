package io.vireo.actors.device;

/**
 * Whether a device takes requests from its rings. It does unless somebody holds it back; what it has taken goes on
 * meanwhile. One for all the IOThreads of a device, which look at it each time before they take something.
 *
 * <p>Thread: any.
 */
public final class Intake {
    /** Why nothing is taken; each reason is held and let go on its own. */
    public enum Hold {
        /** The operator, or the embedder, has paused the device. */
        PAUSE,
        /** It waits until nothing is in flight. */
        DRAIN,
        /** Another process is to go on with it, or has not begun to. */
        HAND_OVER,
        /** A request has failed, and is to be tried again when the cause is mended. */
        IO_ERROR
    }

    private volatile int held;

    boolean isOpen() {
        return held == 0;
    }

    public boolean isHeldBy(Hold by) {
        return (held & bit(by)) != 0;
    }

    /** False when it was held for that reason already. An IOThread may still be taking what it has begun to take. */
    public synchronized boolean hold(Hold by) {
        if (isHeldBy(by)) return false;
        held |= bit(by);
        return true;
    }

    /** Whoever opens it so has {@link Device#resume} go on. */
    public synchronized void letGo(Hold by) {
        held &= ~bit(by);
    }

    private static int bit(Hold by) {
        return 1 << by.ordinal();
    }
}
