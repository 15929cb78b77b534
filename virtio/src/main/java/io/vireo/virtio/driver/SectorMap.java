package io.vireo.virtio.driver;

import java.util.Arrays;

/** What a window of sectors should hold, and which of them are in a request just now. Sectors count from its start. */
final class SectorMap {
    /** Nobody knows what a read will find. */
    static final int UNKNOWN = 0;
    /** A read finds zeroes. Positive numbers are generations of {@link SectorContent}. */
    static final int ZERO = -1;

    private final int[] states;
    private final long[] busy;

    SectorMap(int sectors) {
        states = new int[sectors];
        busy = new long[(sectors + Long.SIZE - 1) / Long.SIZE];
    }

    int sectors() {
        return states.length;
    }

    int state(int sector) {
        return states[sector];
    }

    void set(int first, int count, int state) {
        Arrays.fill(states, first, first + count, state);
    }

    /** Takes a range for one request; false when another has any sector of it. */
    boolean claim(int first, int count) {
        for (int sector = first; sector < first + count; sector++)
            if ((busy[sector >> 6] & 1L << sector) != 0) return false;
        for (int sector = first; sector < first + count; sector++) busy[sector >> 6] |= 1L << sector;
        return true;
    }

    void release(int first, int count) {
        for (int sector = first; sector < first + count; sector++) busy[sector >> 6] &= ~(1L << sector);
    }
}
