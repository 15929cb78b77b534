package io.vireo.virtio.driver;

import io.vireo.posix.EventFd;

/** A virtqueue with its two eventfds. All three stay with whoever made them. */
public record DriverQueue(DriverVirtqueue virtqueue, EventFd kick, EventFd call) {}
