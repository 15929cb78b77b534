package io.vireo.virtio.queue;

/**
 * A virtqueue's part of vhost-user's in-flight region, where a device writes down what it has taken and not used, for the
 * one that goes on when it has died; little-endian here, as on every machine this runs on (the document says native).
 *
 * <pre>
 * struct QueueRegionSplit  { u64 features; u16 version, desc_num, last_batch_head, used_idx; struct DescStateSplit desc[]; };
 * struct DescStateSplit    { u8 inflight, padding[5]; u16 next; u64 counter; };            // by head of a chain
 * struct QueueRegionPacked { u64 features; u16 version, desc_num, free_head, old_free_head, used_idx, old_used_idx;
 *                            u8 used_wrap_counter, old_used_wrap_counter, padding[10]; struct DescStatePacked desc[]; };
 * struct DescStatePacked   { u8 inflight, padding; u16 next, last, num; u64 counter; u16 id, flags; u32 len; u64 addr; };
 * </pre>
 *
 * A version of 0 says that nothing was written yet.
 */
final class InflightLayout {
    static final int VERSION = 8;
    static final int DESC_NUM = 10;
    /** The only one there is. */
    static final int VERSION_1 = 1;

    static final int SPLIT_LAST_BATCH_HEAD = 12;
    static final int SPLIT_USED_IDX = 14;
    static final int SPLIT_DESC = 16;
    static final int SPLIT_DESC_BYTES = 16;
    static final int SPLIT_DESC_INFLIGHT = 0;
    static final int SPLIT_DESC_NEXT = 6;
    static final int SPLIT_DESC_COUNTER = 8;

    static final int PACKED_FREE_HEAD = 12;
    static final int PACKED_OLD_FREE_HEAD = 14;
    static final int PACKED_USED_IDX = 16;
    static final int PACKED_OLD_USED_IDX = 18;
    static final int PACKED_USED_WRAP_COUNTER = 20;
    static final int PACKED_OLD_USED_WRAP_COUNTER = 21;
    static final int PACKED_DESC = 32;
    static final int PACKED_DESC_BYTES = 32;
    static final int PACKED_DESC_INFLIGHT = 0;
    static final int PACKED_DESC_NEXT = 2;
    static final int PACKED_DESC_LAST = 4;
    static final int PACKED_DESC_NUM = 6;
    static final int PACKED_DESC_COUNTER = 8;
    static final int PACKED_DESC_ID = 16;
    static final int PACKED_DESC_FLAGS = 18;
    static final int PACKED_DESC_LEN = 20;
    static final int PACKED_DESC_ADDR = 24;

    /** Each virtqueue's part begins on a boundary of these, as other back-ends have it. */
    private static final int PART_ALIGNMENT_BYTES = 64;

    private InflightLayout() {}

    static long splitBytes(int entries) {
        return aligned(SPLIT_DESC + (long) SPLIT_DESC_BYTES * entries);
    }

    static long packedBytes(int entries) {
        return aligned(PACKED_DESC + (long) PACKED_DESC_BYTES * entries);
    }

    private static long aligned(long bytes) {
        return (bytes + PART_ALIGNMENT_BYTES - 1) & -PART_ALIGNMENT_BYTES;
    }
}
