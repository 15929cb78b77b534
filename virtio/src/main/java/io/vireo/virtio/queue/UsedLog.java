package io.vireo.virtio.queue;

import io.vireo.virtio.memory.DirtyLog;

/**
 * Where what a device writes into a virtqueue's areas is marked: used ring and wishes for kicks of a split one, used
 * descriptors and event suppression of a packed one.
 *
 * @param descriptorAddress guest physical address of the descriptor area
 * @param deviceAddress of the device area's first byte, as the log counts; it need not be one of the guest's memory
 */
public record UsedLog(DirtyLog log, long descriptorAddress, long deviceAddress) {
    void markDeviceArea(long offset, long lengthBytes) {
        log.mark(deviceAddress + offset, lengthBytes);
    }

    /** As {@link #markDescriptors}, of a ring at an offset of the device area. */
    void markDeviceArea(long offset, int elementBytes, int first, int count, int size) {
        markRing(deviceAddress + offset, elementBytes, first, count, size);
    }

    /** Marks {@code count} of a ring of {@code size}, which go on at its beginning when they reach its end. */
    void markDescriptors(int first, int count, int size) {
        markRing(descriptorAddress, VirtqueueLayout.DESC_BYTES, first, count, size);
    }

    private void markRing(long ring, int elementBytes, int first, int count, int size) {
        int beforeEnd = Math.min(count, size - first);
        log.mark(ring + (long) elementBytes * first, (long) elementBytes * beforeEnd);
        if (count > beforeEnd) log.mark(ring, (long) elementBytes * (count - beforeEnd));
    }
}
