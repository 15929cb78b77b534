package io.vireo.virtio.blk;

import static io.vireo.virtio.blk.BlkLayout.REPORT_HEADER_BYTES;
import static io.vireo.virtio.blk.BlkLayout.SECTOR_BYTES;
import static io.vireo.virtio.blk.BlkLayout.ZONE_BYTES;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The answer to a ZONE_REPORT (virtio 1.3, 5.2.6), written to guest memory zone by zone, the header last. Used for one
 * report after the other. Thread: one. All but {@link #begin} may raise InternalError, as accesses to guest memory do.
 */
public final class ZoneReport {
    /** A driver that wants more asks again; one that asks for a million would keep its neighbours waiting. */
    public static final int ZONES_MAX = 4096;

    private static final VarHandle U64 = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] descriptor = new byte[ZONE_BYTES];
    private IoVec room;
    private int count;
    private int countMax;
    /** Where the next zone goes: a buffer, and how far in it. */
    private int buffer;
    private long offset;

    /** @param where the report goes, with room for at least the header */
    public void begin(IoVec where) {
        room = where;
        count = 0;
        countMax = (int) Math.min(ZONES_MAX, (where.totalBytes() - REPORT_HEADER_BYTES) / ZONE_BYTES);
        buffer = 0;
        offset = 0;
        int left = REPORT_HEADER_BYTES;
        while (left > 0) left -= pass(left);
    }

    /**
     * Adds a zone.
     *
     * @param type {@code BlkLayout.ZT_…}
     * @param state {@code BlkLayout.ZS_…}
     * @return false, and nothing was added, when the report is full
     */
    public boolean add(long startBytes, long capacityBytes, long writePointerBytes, int type, int state) {
        if (count == countMax) return false;
        U64.set(descriptor, BlkLayout.ZONE_CAP, capacityBytes / SECTOR_BYTES);
        U64.set(descriptor, BlkLayout.ZONE_START, startBytes / SECTOR_BYTES);
        U64.set(descriptor, BlkLayout.ZONE_WP, writePointerBytes / SECTOR_BYTES);
        descriptor[BlkLayout.ZONE_TYPE] = (byte) type;
        descriptor[BlkLayout.ZONE_STATE] = (byte) state;
        put();
        count++;
        return true;
    }

    /** Writes the header; how long the report is. */
    public int end() {
        Arrays.fill(descriptor, (byte) 0);
        U64.set(descriptor, BlkLayout.REPORT_NR_ZONES, (long) count);
        buffer = 0;
        offset = 0;
        put();
        Arrays.fill(descriptor, (byte) 0);
        return REPORT_HEADER_BYTES + count * ZONE_BYTES;
    }

    /** Writes the descriptor, or the header, which is as long, and goes on behind it. */
    private void put() {
        int done = 0;
        while (done < ZONE_BYTES) {
            long at = room.base(buffer) + offset;
            int piece = pass(ZONE_BYTES - done);
            Memory.copy(descriptor, done, at, piece);
            done += piece;
        }
    }

    /** Goes on by so many bytes, or to the end of the buffer, whatever is less; how many that was. */
    private int pass(int bytes) {
        int piece = (int) Math.min(bytes, room.lengthBytes(buffer) - offset);
        offset += piece;
        if (offset == room.lengthBytes(buffer)) {
            buffer++;
            offset = 0;
        }
        return piece;
    }
}
