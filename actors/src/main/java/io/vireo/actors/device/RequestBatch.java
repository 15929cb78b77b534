package io.vireo.actors.device;

/**
 * Requests that travel together: the element of the pipeline. Pooled, so that a batch costs no allocation; whoever took
 * one from its pool fills it and hands it on, the last to use it gives it back.
 *
 * <p>Thread: the IOThread of its device.
 */
public final class RequestBatch {
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
