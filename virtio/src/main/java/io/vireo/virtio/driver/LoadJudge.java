package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.*;

import io.vireo.posix.Memory;

/** Writes what sectors shall hold and judges what was read of them. Thread: the load's. */
final class LoadJudge {
    private static final long POISON = 0xA5A5_A5A5_A5A5_A5A5L;
    private static final int POISON_BYTE = 0xA5;

    private final SectorContent content;
    private final SectorMap map;
    private final long windowStart;
    private final byte[] id = new byte[ID_BYTES];
    private boolean idKnown;

    /** @param windowStart the disk's sector that is the map's first */
    LoadJudge(long seed, SectorMap map, long windowStart) {
        content = new SectorContent(seed);
        this.map = map;
        this.windowStart = windowStart;
    }

    void write(long data, int first, int count, int generation) {
        for (int i = 0; i < count; i++)
            content.write(data + (long) i * SECTOR_BYTES, windowStart + first + i, generation);
    }

    /** Compares what was read with what the map says, and counts. A wrong sector is unknown afterwards: said once. */
    void verify(long data, int first, int count, LoadTally tally) {
        for (int i = 0; i < count; i++) {
            long at = data + (long) i * SECTOR_BYTES;
            int state = map.state(first + i);
            long sector = windowStart + first + i;
            if (state == SectorMap.UNKNOWN) {
                tally.unknown();
            } else if (state == SectorMap.ZERO ? SectorContent.isZero(at) : content.matches(at, sector, state)) {
                tally.verified();
            } else {
                String expected = state == SectorMap.ZERO ? "zeroes" : "generation " + state;
                tally.mismatched(sector, expected, tally.hasRoom() ? content.describe(at, sector, state) : "");
                map.set(first + i, 1, SectorMap.UNKNOWN);
            }
        }
    }

    /** The first identity cannot be judged; the later ones must be the same. */
    boolean isSameId(long data) {
        boolean same = true;
        for (int i = 0; i < ID_BYTES; i++) {
            byte found = (byte) Memory.getU8(data + i);
            same &= found == id[i];
            if (!idKnown) id[i] = found;
        }
        boolean fine = same || !idKnown;
        idKnown = true;
        return fine;
    }

    /** Fills at least {@code lengthBytes}, up to 7 more, so that nothing an earlier request left looks right. */
    static void poison(long address, int lengthBytes) {
        for (int i = 0; i < lengthBytes; i += Long.BYTES) Memory.putLong(address + i, POISON);
    }

    /** Index of the first poisoned byte that was written since, or -1. */
    static int firstWritten(long address, int lengthBytes) {
        for (int i = 0; i < lengthBytes; i++) if (Memory.getU8(address + i) != POISON_BYTE) return i;
        return -1;
    }
}
