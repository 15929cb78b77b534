package io.vireo.virtio.memory;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps one mapping of guest memory alive for as long as somebody holds it: the generations of the memory table that
 * contain it. It begins with one hold, its maker's. Thread: any.
 */
public final class SharedMapping {
    private final AtomicInteger holds = new AtomicInteger(1);
    private final Runnable unmap;

    private SharedMapping(Runnable unmap) {
        this.unmap = unmap;
    }

    /** @param unmap runs once, in the thread that lets go last */
    public static SharedMapping of(Runnable unmap) {
        return new SharedMapping(unmap);
    }

    /** @throws IllegalStateException it was let go already: the memory may be gone */
    public SharedMapping retain() {
        if (holds.getAndUpdate(count -> count == 0 ? 0 : count + 1) == 0) {
            throw new IllegalStateException("mapping was released");
        }
        return this;
    }

    /** @throws IllegalStateException it was released more often than held */
    public void release() {
        int before = holds.getAndUpdate(count -> count == 0 ? 0 : count - 1);
        if (before == 0) throw new IllegalStateException("mapping was released");
        if (before == 1) unmap.run();
    }

    /** How many hold it now; 0 when it is gone. */
    public int holds() {
        return holds.get();
    }
}
