package io.vireo.actors.device;

import io.vireo.storage.node.NodeChannel;

/**
 * Requests that travel together: the element of the pipeline. Pooled, so that a batch costs no allocation; whoever took
 * one from its pool fills it and hands it on, the last to use it gives it back.
 *
 * <p>Thread: the IOThread of its device.
 */
public final class RequestBatch {
    /** About as many places as a processor fetches from at once, and few enough that they stay in its first cache. */
    private static final int ANNOUNCED = 16;

    private final RequestSlot[] slots;
    private final Pool pool;
    private int count;

    private RequestBatch(int capacity, Pool pool) {
        slots = new RequestSlot[capacity];
        this.pool = pool;
    }

    public int count() {
        return count;
    }

    public boolean isFull() {
        return count == slots.length;
    }

    public RequestSlot slot(int index) {
        return slots[index];
    }

    /** Before each request is handed to the node in turn: tells it of the next ones where it was not told yet. */
    void announce(int index, NodeChannel channel) {
        if (index % ANNOUNCED != 0 || count - index < 2) return;
        int end = Math.min(count, index + ANNOUNCED);
        for (int i = index; i < end; i++) slots[i].announce(channel);
    }

    void add(RequestSlot slot) {
        slots[count++] = slot;
    }

    /** Gives the batch back, empty. */
    public void recycle() {
        count = 0;
        pool.free[pool.freeCount++] = this;
    }

    /** A fixed number of batches; none left is back-pressure. */
    static final class Pool {
        private final RequestBatch[] free;
        private int freeCount;

        Pool(int batches, int capacity) {
            free = new RequestBatch[batches];
            while (freeCount < batches) free[freeCount++] = new RequestBatch(capacity, this);
        }

        boolean isEmpty() {
            return freeCount == 0;
        }

        /** An empty batch, or null when all are on their way. */
        RequestBatch take() {
            return freeCount == 0 ? null : free[--freeCount];
        }
    }
}
