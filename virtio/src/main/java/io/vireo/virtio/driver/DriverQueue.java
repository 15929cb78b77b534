package io.vireo.virtio.driver;

import io.vireo.posix.EventFd;

/**
 * A virtqueue with its two eventfds. All three stay with whoever made them.
 *
 * @param doorbell how the device is kicked
 * @param acknowledge what a transport wants of a driver that was called, before it looks at the ring
 */
public record DriverQueue(DriverVirtqueue virtqueue, EventFd kick, EventFd call, Runnable doorbell, Runnable acknowledge) {
    /** Where the eventfds are all that there is to it. */
    public DriverQueue(DriverVirtqueue virtqueue, EventFd kick, EventFd call) {
        this(virtqueue, kick, call, kick::signal, () -> {});
    }
}
