package io.vireo.virtio.vhostuser;

/**
 * Offsets and sizes, in bytes, of what travels over the socket; all numbers are little-endian here, as on every machine
 * this runs on (the document says native).
 *
 * <pre>{@code
 * struct header  { u32 request; u32 flags; u32 size; };            // size counts the payload only
 * struct state   { u32 index; u32 num; };
 * struct addr    { u32 index; u32 flags; u64 descriptor; u64 used; u64 available; u64 log; };
 * struct region  { u64 guest_address; u64 size; u64 user_address; u64 mmap_offset; };
 * struct table   { u32 regions; u32 padding; struct region region[regions]; };   // at most 8
 * struct slot    { u64 padding; struct region region; };           // ADD_MEM_REG, REM_MEM_REG
 * struct log     { u64 size; u64 offset; };
 * struct state transfer { u32 direction; u32 phase; };             // SET_DEVICE_STATE_FD; 0 = save, 1 = load
 * struct config  { u32 offset; u32 size; u32 flags; u8 payload[size]; };
 * struct inflight { u64 mmap_size; u64 mmap_offset; u16 queues; u16 queue_size; };   // GET_INFLIGHT_FD, SET_INFLIGHT_FD
 * u64 for features, counts, acknowledgements (0 = done) and vring descriptors (index, NO_FD)
 * }</pre>
 */
public final class VhostUserLayout {
    public static final int HEADER_BYTES = 12;
    public static final int HEADER_REQUEST = 0;
    public static final int HEADER_FLAGS = 4;
    public static final int HEADER_SIZE = 8;

    public static final int FLAG_VERSION_MASK = 0x3;
    public static final int FLAG_VERSION = 0x1;
    public static final int FLAG_REPLY = 0x4;
    public static final int FLAG_NEED_REPLY = 0x8;

    public static final int U64_BYTES = 8;

    public static final int STATE_INDEX = 0;
    public static final int STATE_NUM = 4;
    public static final int STATE_BYTES = 8;

    public static final int ADDR_INDEX = 0;
    public static final int ADDR_FLAGS = 4;
    public static final int ADDR_DESCRIPTOR = 8;
    public static final int ADDR_USED = 16;
    public static final int ADDR_AVAILABLE = 24;
    public static final int ADDR_LOG = 32;
    public static final int ADDR_BYTES = 40;
    /** VHOST_VRING_F_LOG, of the flags. */
    public static final int ADDR_F_LOG = 1;

    public static final int LOG_SIZE = 0;
    public static final int LOG_OFFSET = 8;
    public static final int LOG_BYTES = 16;

    public static final int REGION_GUEST_ADDRESS = 0;
    public static final int REGION_SIZE = 8;
    public static final int REGION_USER_ADDRESS = 16;
    public static final int REGION_MMAP_OFFSET = 24;
    public static final int REGION_BYTES = 32;

    public static final int TABLE_COUNT = 0;
    public static final int TABLE_REGIONS = 8;
    public static final int TABLE_REGIONS_MAX = 8;

    public static final int SLOT_REGION = 8;
    public static final int SLOT_BYTES = SLOT_REGION + REGION_BYTES;

    public static final int CONFIG_OFFSET = 0;
    public static final int CONFIG_SIZE = 4;
    public static final int CONFIG_FLAGS = 8;
    public static final int CONFIG_PAYLOAD = 12;
    public static final int CONFIG_BYTES_MAX = 256;

    public static final int DEVICE_STATE_DIRECTION = 0;
    public static final int DEVICE_STATE_PHASE = 4;
    public static final int DEVICE_STATE_BYTES = 8;
    /** Of the answer: there is no descriptor with it. Bits 0 to 7 say what went wrong. */
    public static final int DEVICE_STATE_NO_FD = 0x100;

    public static final int INFLIGHT_SIZE = 0;
    public static final int INFLIGHT_OFFSET = 8;
    public static final int INFLIGHT_QUEUES = 16;
    public static final int INFLIGHT_QUEUE_SIZE = 18;
    public static final int INFLIGHT_BYTES = 20;
    /** As a compiler lays it out in an array. */
    public static final int INFLIGHT_PADDED_BYTES = 24;

    /** Of the u64 that comes with a kick, call or err descriptor: the vring's index, and "no descriptor attached". */
    public static final int VRING_INDEX_MASK = 0xFF;
    public static final int VRING_NO_FD = 0x100;

    /** Longest payload this back-end reads; the longest it knows has 268 bytes. */
    public static final int PAYLOAD_BYTES_MAX = 4096;

    /** Most descriptors one message may carry: Linux passes no more at once (SCM_MAX_FD). */
    public static final int DESCRIPTORS_MAX = 253;

    private VhostUserLayout() {}
}
