package io.vireo.virtio.blk;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a block device knows that neither its configuration nor its driver says again after a migration: 12 bytes, little
 * endian: {@code u32 magic, version; u8 writeback, 0, 0, 0}.
 */
public record BlkState(boolean writeback) {
    private static final int BYTES = 12;
    /** "VBLK". */
    private static final int MAGIC = 0x4B4C4256;
    private static final int VERSION = 1;

    public byte[] encode() {
        return ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC).putInt(VERSION).put((byte) (writeback ? 1 : 0)).array();
    }

    /** Null for anything that {@link #encode} does not make. */
    public static BlkState decode(byte[] bytes) {
        if (bytes.length != BYTES) return null;
        ByteBuffer state = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        if (state.getInt() != MAGIC || state.getInt() != VERSION) return null;
        int writeback = state.getInt();
        return writeback == 0 || writeback == 1 ? new BlkState(writeback == 1) : null;
    }
}
