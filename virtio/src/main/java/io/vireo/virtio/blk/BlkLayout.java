package io.vireo.virtio.blk;

/**
 * The virtio block device in numbers (virtio 1.3, 5.2): feature bits, configuration space, request, all little-endian.
 *
 * <pre>
 * struct virtio_blk_config {
 *   le64 capacity; le32 size_max; le32 seg_max;
 *   struct { le16 cylinders; u8 heads; u8 sectors; } geometry; le32 blk_size;
 *   struct { u8 physical_block_exp; u8 alignment_offset; le16 min_io_size; le32 opt_io_size; } topology;
 *   u8 writeback; u8 unused0; le16 num_queues;
 *   le32 max_discard_sectors; le32 max_discard_seg; le32 discard_sector_alignment;
 *   le32 max_write_zeroes_sectors; le32 max_write_zeroes_seg; u8 write_zeroes_may_unmap; u8 unused1[3];
 *   le32 max_secure_erase_sectors; le32 max_secure_erase_seg; le32 secure_erase_sector_alignment;
 *   struct { le32 zone_sectors; le32 max_open_zones; le32 max_active_zones; le32 max_append_sectors;
 *     le32 write_granularity; u8 model; u8 unused2[3]; } zoned;
 * };
 * struct virtio_blk_req { le32 type; le32 reserved; le64 sector; u8 data[]; u8 status; };
 * struct virtio_blk_req_za { le32 type; le32 reserved; le64 sector; u8 data[]; le64 append_sector; u8 status; };
 * struct virtio_blk_lifetime { le16 pre_eol_info; le16 device_lifetime_est_typ_a; le16 device_lifetime_est_typ_b; };
 * struct virtio_blk_zone_report { le64 nr_zones; u8 reserved[56]; struct virtio_blk_zone_descriptor zones[]; };
 * struct virtio_blk_zone_descriptor { le64 z_cap; le64 z_start; le64 z_wp; u8 z_type; u8 z_state; u8 reserved[38]; };
 * struct virtio_blk_discard_write_zeroes { le64 sector; le32 num_sectors; le32 flags; };
 * </pre>
 */
public final class BlkLayout {
    /** The unit of sector numbers and of capacity, whatever the logical block size. */
    public static final int SECTOR_BYTES = 512;

    /** Feature bits (5.2.3), as masks. */
    public static final long F_SIZE_MAX = 1L << 1;

    public static final long F_SEG_MAX = 1L << 2;
    public static final long F_GEOMETRY = 1L << 4;
    public static final long F_RO = 1L << 5;
    public static final long F_BLK_SIZE = 1L << 6;
    public static final long F_FLUSH = 1L << 9;
    public static final long F_TOPOLOGY = 1L << 10;
    public static final long F_CONFIG_WCE = 1L << 11;
    public static final long F_MQ = 1L << 12;
    public static final long F_DISCARD = 1L << 13;
    public static final long F_WRITE_ZEROES = 1L << 14;
    public static final long F_LIFETIME = 1L << 15;
    public static final long F_SECURE_ERASE = 1L << 16;
    public static final long F_ZONED = 1L << 17;

    /** Offsets in the configuration space (5.2.4). */
    public static final int CONFIG_CAPACITY = 0;

    public static final int CONFIG_SIZE_MAX = 8;
    public static final int CONFIG_SEG_MAX = 12;
    public static final int CONFIG_CYLINDERS = 16;
    public static final int CONFIG_HEADS = 18;
    public static final int CONFIG_SECTORS = 19;
    public static final int CONFIG_BLK_SIZE = 20;
    public static final int CONFIG_PHYSICAL_BLOCK_EXP = 24;
    public static final int CONFIG_ALIGNMENT_OFFSET = 25;
    public static final int CONFIG_MIN_IO_SIZE = 26;
    public static final int CONFIG_OPT_IO_SIZE = 28;
    public static final int CONFIG_WRITEBACK = 32;
    public static final int CONFIG_NUM_QUEUES = 34;
    public static final int CONFIG_MAX_DISCARD_SECTORS = 36;
    public static final int CONFIG_MAX_DISCARD_SEG = 40;
    public static final int CONFIG_DISCARD_SECTOR_ALIGNMENT = 44;
    public static final int CONFIG_MAX_WRITE_ZEROES_SECTORS = 48;
    public static final int CONFIG_MAX_WRITE_ZEROES_SEG = 52;
    public static final int CONFIG_WRITE_ZEROES_MAY_UNMAP = 56;
    public static final int CONFIG_MAX_SECURE_ERASE_SECTORS = 60;
    public static final int CONFIG_MAX_SECURE_ERASE_SEG = 64;
    public static final int CONFIG_SECURE_ERASE_SECTOR_ALIGNMENT = 68;
    public static final int CONFIG_ZONE_SECTORS = 72;
    public static final int CONFIG_MAX_OPEN_ZONES = 76;
    public static final int CONFIG_MAX_ACTIVE_ZONES = 80;
    public static final int CONFIG_MAX_APPEND_SECTORS = 84;
    public static final int CONFIG_WRITE_GRANULARITY = 88;
    public static final int CONFIG_ZONE_MODEL = 92;
    /** The part a device without secure erase and zones fills. */
    public static final int CONFIG_BYTES = 60;
    /** The whole structure. */
    public static final int CONFIG_FULL_BYTES = 96;

    /** Request header (5.2.6). */
    public static final int REQ_TYPE = 0;

    public static final int REQ_RESERVED = 4;
    public static final int REQ_SECTOR = 8;
    public static final int REQ_HEADER_BYTES = 16;
    public static final int REQ_STATUS_BYTES = 1;

    public static final int T_IN = 0;
    public static final int T_OUT = 1;
    public static final int T_FLUSH = 4;
    public static final int T_GET_ID = 8;
    public static final int T_GET_LIFETIME = 10;
    public static final int T_DISCARD = 11;
    public static final int T_WRITE_ZEROES = 13;
    public static final int T_SECURE_ERASE = 14;
    public static final int T_ZONE_APPEND = 15;
    public static final int T_ZONE_REPORT = 16;
    public static final int T_ZONE_OPEN = 18;
    public static final int T_ZONE_CLOSE = 20;
    public static final int T_ZONE_FINISH = 22;
    public static final int T_ZONE_RESET = 24;
    public static final int T_ZONE_RESET_ALL = 26;
    /** Set by legacy drivers on any type; without meaning since. */
    public static final int T_BARRIER = 0x8000_0000;

    public static final byte S_OK = 0;
    public static final byte S_IOERR = 1;
    public static final byte S_UNSUPP = 2;
    public static final byte S_ZONE_INVALID_CMD = 3;
    public static final byte S_ZONE_UNALIGNED_WP = 4;
    public static final byte S_ZONE_OPEN_RESOURCE = 5;
    public static final byte S_ZONE_ACTIVE_RESOURCE = 6;

    /** Zoned models. */
    public static final int Z_NONE = 0;

    public static final int Z_HM = 1;
    public static final int Z_HA = 2;

    /** Zone types. */
    public static final int ZT_CONV = 1;

    public static final int ZT_SWR = 2;
    public static final int ZT_SWP = 3;

    /** Zone states. */
    public static final int ZS_NOT_WP = 0;

    public static final int ZS_EMPTY = 1;
    public static final int ZS_IOPEN = 2;
    public static final int ZS_EOPEN = 3;
    public static final int ZS_CLOSED = 4;
    public static final int ZS_RDONLY = 13;
    public static final int ZS_FULL = 14;
    public static final int ZS_OFFLINE = 15;

    /** ZONE_REPORT's answer: a header, and descriptors of the same size. */
    public static final int REPORT_NR_ZONES = 0;

    public static final int REPORT_HEADER_BYTES = 64;
    public static final int ZONE_CAP = 0;
    public static final int ZONE_START = 8;
    public static final int ZONE_WP = 16;
    public static final int ZONE_TYPE = 24;
    public static final int ZONE_STATE = 25;
    public static final int ZONE_BYTES = 64;

    /** ZONE_APPEND's answer, before the status. */
    public static final int APPEND_SECTOR_BYTES = 8;

    /** GET_LIFETIME's answer: three numbers of 16 bits. */
    public static final int LIFETIME_BYTES = 6;

    /** GET_ID's answer: NUL padded, without a terminator when full. */
    public static final int ID_BYTES = 20;

    /** One range of DISCARD and WRITE_ZEROES. */
    public static final int SEGMENT_SECTOR = 0;

    public static final int SEGMENT_NUM_SECTORS = 8;
    public static final int SEGMENT_FLAGS = 12;
    public static final int SEGMENT_BYTES = 16;
    public static final int SEGMENT_F_UNMAP = 1;

    private BlkLayout() {}

    /** A request's type as the specification names it, without its prefix. */
    public static String typeName(int type) {
        return switch (type) {
            case T_IN -> "IN (read)";
            case T_OUT -> "OUT (write)";
            case T_FLUSH -> "FLUSH";
            case T_GET_ID -> "GET_ID";
            case T_GET_LIFETIME -> "GET_LIFETIME";
            case T_DISCARD -> "DISCARD";
            case T_WRITE_ZEROES -> "WRITE_ZEROES";
            case T_SECURE_ERASE -> "SECURE_ERASE";
            case T_ZONE_APPEND -> "ZONE_APPEND";
            case T_ZONE_REPORT -> "ZONE_REPORT";
            case T_ZONE_OPEN -> "ZONE_OPEN";
            case T_ZONE_CLOSE -> "ZONE_CLOSE";
            case T_ZONE_FINISH -> "ZONE_FINISH";
            case T_ZONE_RESET -> "ZONE_RESET";
            case T_ZONE_RESET_ALL -> "ZONE_RESET_ALL";
            default -> "of type " + Integer.toUnsignedString(type);
        };
    }
}
