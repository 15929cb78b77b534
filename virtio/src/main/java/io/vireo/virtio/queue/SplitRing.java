package io.vireo.virtio.queue;

/**
 * Where the three parts of a split virtqueue lie in this process, translated and wholly mapped: each part as many bytes
 * as {@link VirtqueueLayout} says for the queue's size.
 *
 * @throws IllegalArgumentException a part is not aligned as virtio 1.3, 2.7 wants it
 */
public record SplitRing(long descriptorTable, long availRing, long usedRing) {
    public SplitRing {
        requireAligned("descriptor table", descriptorTable, VirtqueueLayout.DESC_ALIGNMENT_BYTES);
        requireAligned("available ring", availRing, VirtqueueLayout.AVAIL_ALIGNMENT_BYTES);
        requireAligned("used ring", usedRing, VirtqueueLayout.USED_ALIGNMENT_BYTES);
    }

    private static void requireAligned(String part, long address, int alignmentBytes) {
        if (address <= 0 || address % alignmentBytes != 0) {
            throw new IllegalArgumentException(
                    part + " at 0x" + Long.toHexString(address) + " is not aligned to " + alignmentBytes + " bytes");
        }
    }
}
