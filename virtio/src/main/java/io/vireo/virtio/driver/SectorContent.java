package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.SECTOR_BYTES;

import io.vireo.posix.Memory;

/**
 * What a sector holds: 64 words that follow from sector number, generation and seed, so that any sector found tells
 * which write it came from.
 *
 * <pre>
 * u64 sector; u32 generation; u32 seed; u64 noise[61]; u64 checksum of all before
 * </pre>
 */
final class SectorContent {
    private static final int WORDS = SECTOR_BYTES / Long.BYTES;
    private static final int CHECKSUM_WORD = WORDS - 1;
    private static final long STEP = 0x9E37_79B9_7F4A_7C15L;
    private static final long MIX = 0xD6E8_FEB8_6659_FD93L;

    private final int seed;

    SectorContent(long seed) {
        this.seed = (int) (seed ^ seed >>> 32);
    }

    void write(long address, long sector, int generation) {
        long tag = tag(generation);
        Memory.putLong(address, sector);
        Memory.putLong(address + 8, tag);
        long noise = noise(sector, tag);
        long checksum = checksum(checksum(0, sector), tag);
        for (int i = 2; i < CHECKSUM_WORD; i++) {
            noise += STEP;
            long word = (noise ^ noise >>> 29) * MIX;
            Memory.putLong(address + (long) i * Long.BYTES, word);
            checksum = checksum(checksum, word);
        }
        Memory.putLong(address + (long) CHECKSUM_WORD * Long.BYTES, checksum);
    }

    /** Whether every byte at {@code address} is as that write left it. */
    boolean matches(long address, long sector, int generation) {
        long tag = tag(generation);
        if (Memory.getLong(address) != sector || Memory.getLong(address + 8) != tag) return false;
        long noise = noise(sector, tag);
        long checksum = checksum(checksum(0, sector), tag);
        for (int i = 2; i < CHECKSUM_WORD; i++) {
            noise += STEP;
            long word = (noise ^ noise >>> 29) * MIX;
            if (Memory.getLong(address + (long) i * Long.BYTES) != word) return false;
            checksum = checksum(checksum, word);
        }
        return Memory.getLong(address + (long) CHECKSUM_WORD * Long.BYTES) == checksum;
    }

    static boolean isZero(long address) {
        long any = 0;
        for (int i = 0; i < WORDS; i++) any |= Memory.getLong(address + (long) i * Long.BYTES);
        return any == 0;
    }

    /** In words, what an address holds instead of what was expected. */
    String describe(long address, long sector, int generation) {
        if (isZero(address)) return "zeroes";
        long foundSector = Memory.getLong(address);
        long tag = Memory.getLong(address + 8);
        String whose = (int) (tag >>> 32) == seed ? "" : " of another seed";
        long checksum = 0;
        for (int i = 0; i < CHECKSUM_WORD; i++) checksum = checksum(checksum, Memory.getLong(address + (long) i * Long.BYTES));
        if (checksum == Memory.getLong(address + (long) CHECKSUM_WORD * Long.BYTES))
            return "sector " + foundSector + " generation " + (int) tag + whose;
        return "damaged from byte " + firstDifference(address, sector, generation) + " on, beginning 0x"
                + Long.toHexString(foundSector) + " 0x" + Long.toHexString(tag);
    }

    private int firstDifference(long address, long sector, int generation) {
        long tag = tag(generation);
        long noise = noise(sector, tag);
        for (int i = 0; i < WORDS; i++) {
            long expected = i == 0 ? sector : i == 1 ? tag : 0;
            if (i > 1) {
                noise += STEP;
                expected = (noise ^ noise >>> 29) * MIX;
            }
            long difference = expected ^ Memory.getLong(address + (long) i * Long.BYTES);
            if (difference != 0) return i * Long.BYTES + Long.numberOfTrailingZeros(difference) / Byte.SIZE;
        }
        return SECTOR_BYTES;
    }

    private long tag(int generation) {
        return Integer.toUnsignedLong(generation) | (long) seed << 32;
    }

    private static long noise(long sector, long tag) {
        return (sector * MIX ^ tag) * STEP;
    }

    private static long checksum(long before, long word) {
        return (Long.rotateLeft(before, 7) ^ word) + STEP;
    }
}
