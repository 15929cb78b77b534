package io.vireo.config;

/** What may be offered on a device's virtqueues (virtio 1.3, section 6), by QEMU's names. */
public enum RingFeature {
    /** Packed rather than split virtqueues. */
    PACKED("packed", false),
    /** Requests complete in the order in which they were made, whatever the drive does. */
    IN_ORDER("in_order", false),
    EVENT_IDX("event_idx", true),
    INDIRECT_DESC("indirect_desc", true),
    /**
     * A single virtqueue may be reset. Off, where QEMU says on: a VMM that offers this to its guest must tell us of each
     * reset, and QEMU's vhost-user-blk does not.
     */
    QUEUE_RESET("queue_reset", false);

    private final String key;
    private final boolean usual;

    RingFeature(String key, boolean usual) {
        this.key = key;
        this.usual = usual;
    }

    /** Its key in a device's block. */
    public String key() {
        return key;
    }

    /** Whether it is offered when nothing is said. */
    public boolean usual() {
        return usual;
    }
}
