package io.vireo.embed;

import io.vireo.virtio.queue.VirtqueueLayout;

/**
 * A virtqueue as the driver has set it up (virtio 1.3, 4.1.5.1.3, has the same fields in a PCI transport).
 *
 * @param size descriptors, at most 32768; a power of two but for a packed virtqueue
 * @param descriptorTable guest physical address of the descriptor area, {@code queue_desc}
 * @param availRing guest physical address of the driver area, {@code queue_driver}
 * @param usedRing guest physical address of the device area, {@code queue_device}
 * @param kickFd eventfd that tells of new buffers, as KVM's ioeventfd; duplicated, so that the caller keeps his own
 * @param callFd eventfd that tells of used buffers, as KVM's irqfd; duplicated; {@link #NO_CALL} when the driver polls
 * @param beforeCall run on an IOThread each time before {@code callFd} is signalled, for a transport that shows its driver
 *     what an interrupt was for (virtio-mmio's InterruptStatus, PCI's ISR status): must neither block nor throw; null for
 *     nothing
 */
public record QueueSetup(
        int size, long descriptorTable, long availRing, long usedRing, int kickFd, int callFd, Runnable beforeCall) {
    public static final int NO_CALL = -1;

    public QueueSetup {
        if (size < 1 || size > VirtqueueLayout.SIZE_MAX) throw new IllegalArgumentException("queue size " + size);
        if (kickFd < 0 || callFd < NO_CALL) throw new IllegalArgumentException("kickFd=" + kickFd + " callFd=" + callFd);
    }

    /** For a transport whose interrupts say for themselves what they are for. */
    public QueueSetup(int size, long descriptorTable, long availRing, long usedRing, int kickFd, int callFd) {
        this(size, descriptorTable, availRing, usedRing, kickFd, callFd, null);
    }
}
