package io.vireo.actors.device;

import java.util.Arrays;

/**
 * What a disk may hold, as its driver can know: of each sector the versions that a read may show now, and those that a
 * read may show after a loss of power. Version 0 is zeroes.
 */
final class SectorStates {
    private final long[][] now;
    private final long[][] afterLoss;
    /** Counts the changes that were begun. */
    private final long[] begun;
    private final int[] open;

    SectorStates(int sectors) {
        now = new long[sectors][1];
        afterLoss = new long[sectors][1];
        begun = new long[sectors];
        open = new int[sectors];
    }

    void begin(int sector, long version) {
        afterLoss[sector] = with(afterLoss[sector], version);
        begun[sector]++;
        open[sector]++;
    }

    /** It has come back with success. */
    void done(int sector, long version, boolean durable) {
        open[sector]--;
        now[sector] = new long[] {version};
        if (durable) afterLoss[sector] = now[sector];
    }

    /** It has come back with a failure, or is a change that need not be made. */
    void perhaps(int sector, long version) {
        open[sector]--;
        now[sector] = with(now[sector], version);
    }

    /** It was never taken. */
    void never(int sector) {
        open[sector]--;
    }

    /** Sectors of which a flush that is sent now has something to keep, by what was begun before. */
    long[] settled() {
        long[] at = begun.clone();
        for (int sector = 0; sector < at.length; sector++) if (open[sector] > 0) at[sector] = -1;
        return at;
    }

    void flushed(long[] settled) {
        for (int sector = 0; sector < settled.length; sector++) {
            if (settled[sector] == begun[sector]) afterLoss[sector] = now[sector];
        }
    }

    void powerLost() {
        for (int sector = 0; sector < now.length; sector++) {
            now[sector] = afterLoss[sector];
            open[sector] = 0;
        }
    }

    /** A read has shown this version: it is the one from now on. */
    void seen(int sector, long version) {
        if (Arrays.stream(now[sector]).noneMatch(one -> one == version)) {
            throw new AssertionError("sector %d has version %d and should have one of %s"
                    .formatted(sector, version, Arrays.toString(now[sector])));
        }
        now[sector] = new long[] {version};
    }

    private static long[] with(long[] versions, long version) {
        for (long one : versions) if (one == version) return versions;
        long[] more = Arrays.copyOf(versions, versions.length + 1);
        more[versions.length] = version;
        return more;
    }
}
