package io.vireo.virtio.queue;

/**
 * The packed virtqueue in memory, little-endian (virtio 1.3, 2.8).
 *
 * <pre>
 * struct pvirtq_desc           { le64 addr; le32 len; le16 id; le16 flags; };
 * struct pvirtq_event_suppress { le16 off_wrap; le16 flags; };
 * </pre>
 *
 * The descriptor ring is the descriptor area; driver and device area are one event suppression structure each.
 * Descriptors have the size, the alignment and the flags NEXT, WRITE and INDIRECT of a split virtqueue's.
 */
public final class PackedLayout {
    public static final int DESC_ADDR = 0;
    public static final int DESC_LEN = 8;
    public static final int DESC_ID = 12;
    public static final int DESC_FLAGS = 14;

    /** Equal to the wrap counter in a descriptor that the driver has made available, and in a used one. */
    public static final int DESC_F_AVAIL = 1 << 7;
    /** Equal to the wrap counter in a used descriptor only. */
    public static final int DESC_F_USED = 1 << 15;

    public static final int EVENT_BYTES = 4;
    public static final int EVENT_ALIGNMENT_BYTES = 4;
    public static final int EVENT_OFF_WRAP = 0;
    public static final int EVENT_FLAGS = 2;
    public static final int EVENT_FLAGS_MASK = 3;

    /** The wrap counter beside a ring offset of 15 bits. */
    public static final int WRAP = 1 << 15;

    public static final int RING_EVENT_FLAGS_ENABLE = 0;
    public static final int RING_EVENT_FLAGS_DISABLE = 1;
    /** Only with EVENT_IDX: when the descriptor at off_wrap is made available or used. */
    public static final int RING_EVENT_FLAGS_DESC = 2;

    private PackedLayout() {}
}
