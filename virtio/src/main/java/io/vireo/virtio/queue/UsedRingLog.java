package io.vireo.virtio.queue;

import io.vireo.virtio.memory.DirtyLog;

/**
 * Where what a device writes into a virtqueue's used ring is marked.
 *
 * @param guestAddress of the used ring's first byte, as the log counts; it need not be one of the guest's memory
 */
public record UsedRingLog(DirtyLog log, long guestAddress) {
    void mark(long offset, long lengthBytes) {
        log.mark(guestAddress + offset, lengthBytes);
    }
}
