package io.vireo.virtio.queue;

/**
 * The split virtqueue in memory, little-endian (virtio 1.3, 2.7).
 *
 * <pre>
 * struct virtq_desc  { le64 addr; le32 len; le16 flags; le16 next; };
 * struct virtq_avail { le16 flags; le16 idx; le16 ring[size]; le16 used_event; };
 * struct virtq_used  { le16 flags; le16 idx; struct { le32 id; le32 len; } ring[size]; le16 avail_event; };
 * </pre>
 */
public final class VirtqueueLayout {
    /** The largest queue size, which is a power of two (2.7). */
    public static final int SIZE_MAX = 32768;

    /** Bytes of one descriptor, in the table and in an indirect table alike. */
    public static final int DESC_BYTES = 16;

    public static final int DESC_ADDR = 0;
    public static final int DESC_LEN = 8;
    public static final int DESC_FLAGS = 12;
    public static final int DESC_NEXT = 14;
    public static final int DESC_ALIGNMENT_BYTES = 16;

    public static final int DESC_F_NEXT = 1;
    public static final int DESC_F_WRITE = 2;
    public static final int DESC_F_INDIRECT = 4;

    public static final int AVAIL_FLAGS = 0;
    public static final int AVAIL_IDX = 2;
    public static final int AVAIL_RING = 4;
    public static final int AVAIL_ELEMENT_BYTES = 2;
    public static final int AVAIL_ALIGNMENT_BYTES = 2;
    public static final int AVAIL_F_NO_INTERRUPT = 1;

    public static final int USED_FLAGS = 0;
    public static final int USED_IDX = 2;
    public static final int USED_RING = 4;
    public static final int USED_ELEMENT_BYTES = 8;
    public static final int USED_ELEMENT_ID = 0;
    public static final int USED_ELEMENT_LEN = 4;
    public static final int USED_ALIGNMENT_BYTES = 4;
    public static final int USED_F_NO_NOTIFY = 1;

    /** Feature bits about rings (section 6). */
    public static final long RING_F_INDIRECT_DESC = 1L << 28;

    public static final long RING_F_EVENT_IDX = 1L << 29;
    public static final long F_VERSION_1 = 1L << 32;
    public static final long F_RING_PACKED = 1L << 34;
    public static final long F_IN_ORDER = 1L << 35;
    /** Offered by a transport that can carry it, which a vhost-user device has none of. */
    public static final long F_NOTIFICATION_DATA = 1L << 38;

    public static final long F_RING_RESET = 1L << 40;

    private VirtqueueLayout() {}

    public static long descriptorTableBytes(int size) {
        return (long) DESC_BYTES * size;
    }

    /** With {@code used_event}, which is there whether EVENT_IDX was negotiated or not. */
    public static long availRingBytes(int size) {
        return usedEventOffset(size) + 2;
    }

    /** With {@code avail_event}. */
    public static long usedRingBytes(int size) {
        return availEventOffset(size) + 2;
    }

    /** Offset of {@code used_event} in the avail ring, where the driver says when it wants a call. */
    public static long usedEventOffset(int size) {
        return AVAIL_RING + (long) AVAIL_ELEMENT_BYTES * size;
    }

    /** Offset of {@code avail_event} in the used ring, where the device says when it wants a kick. */
    public static long availEventOffset(int size) {
        return USED_RING + (long) USED_ELEMENT_BYTES * size;
    }

    public static boolean isValidSize(int size) {
        return size >= 2 && size <= SIZE_MAX && Integer.bitCount(size) == 1;
    }
}
