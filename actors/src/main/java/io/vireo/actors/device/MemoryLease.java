package io.vireo.actors.device;

import io.vireo.virtio.memory.GuestMemory;

/**
 * One device's hold, on one IOThread, on a generation of guest memory. A generation that was replaced is given back when
 * its last request in flight is.
 *
 * <p>Thread: the IOThread.
 */
final class MemoryLease {
    final GuestMemory memory;
    private final Runnable onReleased;
    private int inFlight;
    private boolean replaced;

    /** @param onReleased run once, when nothing here uses the memory any more; must not block */
    MemoryLease(GuestMemory memory, Runnable onReleased) {
        this.memory = memory;
        this.onReleased = onReleased;
    }

    void enter() {
        inFlight++;
    }

    void leave() {
        if (--inFlight == 0 && replaced) onReleased.run();
    }

    /** No request will be taken with this generation any more. */
    void replace() {
        replaced = true;
        if (inFlight == 0) onReleased.run();
    }
}
