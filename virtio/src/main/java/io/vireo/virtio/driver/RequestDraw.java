package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.SECTOR_BYTES;

import java.util.SplittableRandom;

/** Draws what to ask for next. The answer is in the fields, so that drawing allocates nothing. */
final class RequestDraw {
    /** Longest range of a discard or write-zeroes request, and its share of the window: longer ones leave little data. */
    private static final int RANGE_SECTORS_MAX = 2048;

    private static final int RANGE_SHARE = 16;

    private final SplittableRandom random;
    private final int windowBlocks;
    private final int blockSectors;
    private final int dataBlocksMax;
    private final int discardBlocksMax;
    private final int zeroBlocksMax;
    private final int[] weights = new int[LoadOperation.ALL.length];
    private int weightTotal;

    LoadOperation operation;
    /** In sectors of the window. */
    int first;
    int count;

    RequestDraw(SplittableRandom random, DiskFacts facts, LoadOptions options, int windowSectors) {
        this.random = random;
        blockSectors = facts.blockBytes() / SECTOR_BYTES;
        windowBlocks = windowSectors / blockSectors;
        dataBlocksMax = Math.min(windowBlocks, options.dataBytesMax() / facts.blockBytes());
        if (dataBlocksMax == 0)
            throw new IllegalArgumentException("dataBytesMax=" + options.dataBytesMax() + " for blocks of "
                    + facts.blockBytes() + " on " + windowSectors + " sectors");
        discardBlocksMax = rangeBlocks(facts.discardSectorsMax());
        zeroBlocksMax = rangeBlocks(facts.writeZeroesSectorsMax());
        for (LoadOperation operation : LoadOperation.ALL) {
            boolean possible = operation.allowed(facts)
                    && (operation != LoadOperation.DISCARD || discardBlocksMax > 0)
                    && (operation != LoadOperation.WRITE_ZEROES || zeroBlocksMax > 0);
            weights[operation.ordinal()] = possible ? options.mix().weight(operation) : 0;
            weightTotal += weights[operation.ordinal()];
        }
        if (weightTotal == 0) throw new IllegalArgumentException("this disk allows nothing of " + options.mix());
    }

    void drawOperation() {
        int rest = random.nextInt(weightTotal);
        int index = 0;
        while (rest >= weights[index]) rest -= weights[index++];
        operation = LoadOperation.ALL[index];
    }

    /** Draws where; to be repeated when the range collides with one in flight. */
    void drawRange() {
        int blocksMax = switch (operation) {
            case READ, WRITE -> dataBlocksMax;
            case DISCARD -> discardBlocksMax;
            case WRITE_ZEROES -> zeroBlocksMax;
            case FLUSH, GET_ID -> 0;
        };
        if (blocksMax == 0) {
            first = count = 0;
            return;
        }
        // Half of them as file systems like it, a power of two and aligned to itself; the others anyhow.
        int log = random.nextInt(32 - Integer.numberOfLeadingZeros(blocksMax));
        int blocks = 1 << log;
        int at;
        if (random.nextBoolean()) {
            at = random.nextInt(windowBlocks >> log) << log;
        } else {
            blocks = Math.min(blocksMax, blocks + random.nextInt(blocks));
            at = random.nextInt(windowBlocks - blocks + 1);
        }
        first = at * blockSectors;
        count = blocks * blockSectors;
    }

    /** Draws it no more: the device answered UNSUPP, as it may where the file system below cannot do it. */
    void leaveOut(LoadOperation unsupported) {
        if (weightTotal == weights[unsupported.ordinal()]) return;
        weightTotal -= weights[unsupported.ordinal()];
        weights[unsupported.ordinal()] = 0;
    }

    private int rangeBlocks(long sectorsMax) {
        long share = (windowBlocks + RANGE_SHARE - 1) / RANGE_SHARE;
        return (int) Math.min(Math.min(sectorsMax, RANGE_SECTORS_MAX) / blockSectors, share);
    }
}
