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
 *   ... secure erase and zoned devices, up to 96 bytes
 * };
 * struct virtio_blk_req { le32 type; le32 reserved; le64 sector; u8 data[]; u8 status; };
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
    /** Set by legacy drivers on any type; without meaning since. */
    public static final int T_BARRIER = 0x8000_0000;

    public static final byte S_OK = 0;
    public static final byte S_IOERR = 1;
    public static final byte S_UNSUPP = 2;

    /** GET_ID's answer: NUL padded, without a terminator when full. */
    public static final int ID_BYTES = 20;

    /** One range of DISCARD and WRITE_ZEROES. */
    public static final int SEGMENT_SECTOR = 0;

    public static final int SEGMENT_NUM_SECTORS = 8;
    public static final int SEGMENT_FLAGS = 12;
    public static final int SEGMENT_BYTES = 16;
    public static final int SEGMENT_F_UNMAP = 1;

    private BlkLayout() {}
}
