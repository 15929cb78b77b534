package io.vireo.virtio.queue;

/**
 * Where the three areas of a virtqueue lie in this process (virtio 1.3, 2.6), as {@link RingFormat#locate} finds them:
 * translated, wholly mapped and aligned. What they hold depends on the format.
 */
public record VirtqueueAreas(long descriptor, long driver, long device) {}
