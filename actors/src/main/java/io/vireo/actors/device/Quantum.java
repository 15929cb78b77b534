package io.vireo.actors.device;

/**
 * How many requests are taken from a virtqueue at once.
 *
 * <p>As many as a batch holds, but for a driver that sleeps until it is called: it wakes up, takes all that is done,
 * hands in as many requests and sleeps again. Waking it takes longer than all of its requests together, so it is called
 * when a part of them is done, and finds the rest done when it has woken up. A disk that is given a part at a time does not
 * answer all at once either, and has something to do while the driver wakes up. docs/adr/0009 has the measurements.
 *
 * <p>Arithmetic only. Thread: the owning IOThread.
 */
final class Quantum {
    /** A smaller part costs more in passing it on than it gains. */
    static final int SMALLEST = 8;
    /** Of what the driver hands in at once. */
    static final int PARTS = 4;
    /** So many batches without a call, and the driver is taken for one that looks by itself. */
    static final int REMEMBERED_BATCHES = 16;

    private int remembered;
    /** What the driver hands in at once, of late. */
    private int burst;
    private int takenSinceEmpty;

    /** How many to take now, of {@code batchMax} at most. */
    int next(int batchMax) {
        return remembered == 0 ? batchMax : Math.min(batchMax, Math.max(SMALLEST, burst / PARTS));
    }

    /** So many were taken, and whether the driver has handed in no more. */
    void taken(int count, boolean emptied) {
        if (remembered > 0) remembered--;
        takenSinceEmpty += count;
        // Larger at once, smaller by and by: a burst that comes in two pieces is still one.
        if (takenSinceEmpty > burst) burst = takenSinceEmpty;
        else if (emptied && takenSinceEmpty > 0) burst -= (burst - takenSinceEmpty + 15) / 16;
        if (emptied) takenSinceEmpty = 0;
    }

    /** The driver was called. */
    void called() {
        remembered = REMEMBERED_BATCHES;
    }
}
