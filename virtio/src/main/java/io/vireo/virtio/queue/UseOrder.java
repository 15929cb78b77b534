package io.vireo.virtio.queue;

/**
 * Chains that are done and wait for those taken before them, when IN_ORDER was negotiated (virtio 1.3, 2.7.9 and
 * 2.8.8). Each gets a used element of its own; one for several is allowed, and would hide how much was written into them.
 *
 * <p>Thread: its virtqueue's.
 */
final class UseOrder {
    /** No used element: none has an id of 32 ones. */
    static final long NOT_DONE = -1;

    /** Ids in the order in which they were taken; positions are counted without end and masked. */
    private final int[] taken;
    /** By id: what {@link #next} answers for it, once it is done. */
    private final long[] done;

    private int takenCount;
    private int nextCount;

    /** @param capacity a power of two, at least as many chains as are ours at a time */
    UseOrder(int capacity) {
        taken = new int[capacity];
        done = new long[capacity];
    }

    void taken(int id) {
        taken[takenCount++ & taken.length - 1] = id;
        done[id] = NOT_DONE;
    }

    void done(int id, long used) {
        done[id] = used;
    }

    /** The next in order once it is done, each once; else {@link #NOT_DONE}. */
    long next() {
        if (nextCount == takenCount) return NOT_DONE;
        long used = done[taken[nextCount & taken.length - 1]];
        if (used != NOT_DONE) nextCount++;
        return used;
    }
}
