package io.vireo.virtio.queue;

/**
 * Where the three areas of a virtqueue lie in this process, translated and wholly mapped (virtio 1.3, 2.6): in a split
 * virtqueue descriptor table, available ring and used ring, each as many bytes as {@link VirtqueueLayout} says for the
 * queue's size.
 *
 * @throws IllegalArgumentException an area is not aligned as virtio 1.3, 2.7 wants it
 */
public record VirtqueueAreas(long descriptor, long driver, long device) {
    public VirtqueueAreas {
        requireAligned("descriptor table", descriptor, VirtqueueLayout.DESC_ALIGNMENT_BYTES);
        requireAligned("available ring", driver, VirtqueueLayout.AVAIL_ALIGNMENT_BYTES);
        requireAligned("used ring", device, VirtqueueLayout.USED_ALIGNMENT_BYTES);
    }

    private static void requireAligned(String part, long address, int alignmentBytes) {
        if (address <= 0 || address % alignmentBytes != 0) {
            throw new IllegalArgumentException(
                    part + " at 0x" + Long.toHexString(address) + " is not aligned to " + alignmentBytes + " bytes");
        }
    }
}
