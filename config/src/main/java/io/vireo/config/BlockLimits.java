package io.vireo.config;

/**
 * Geometry and limits shown to the guest, where configuration overrules the drive. The first five: bytes, 0 = as the
 * drive says. The last two: sectors of 512 bytes in one range of a request.
 */
public record BlockLimits(
        int logicalBlockBytes,
        int physicalBlockBytes,
        int minIoBytes,
        int optIoBytes,
        int discardGranularityBytes,
        int discardSectorsMax,
        int writeZeroesSectorsMax) {
    /** A request in QEMU's block layer is less than 2 GiB. */
    public static final int SECTORS_MAX = Integer.MAX_VALUE >> 9;

    public static final int BLOCK_BYTES_MAX = 2 << 20;
    public static final BlockLimits DEFAULT = new BlockLimits(0, 0, 0, 0, 0, SECTORS_MAX, SECTORS_MAX);

    public BlockLimits withLogicalBlockBytes(int newLogicalBlockBytes) {
        return new BlockLimits(
                newLogicalBlockBytes, physicalBlockBytes, minIoBytes, optIoBytes, discardGranularityBytes,
                discardSectorsMax, writeZeroesSectorsMax);
    }
}
