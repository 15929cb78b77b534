package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.*;

/**
 * What a driver learned of a disk (virtio 1.3, 5.2.4 and 5.2.5). Fields whose feature was not accepted hold what that
 * means for a driver: 512 bytes per block, no discard, no limit.
 *
 * @param features the accepted bits
 * @param segmentsMax the most data buffers of one request
 */
public record DiskFacts(long features, long capacitySectors, int blockBytes, int segmentsMax, long discardSectorsMax,
        long writeZeroesSectorsMax, boolean writeZeroesMayUnmap) {

    /** What is known of a disk of which only the size is. */
    public static DiskFacts of(long capacitySectors, long features) {
        long rangeMax = capacitySectors;
        return new DiskFacts(features, capacitySectors, SECTOR_BYTES, Integer.MAX_VALUE, rangeMax, rangeMax, true);
    }

    /** Reads the configuration space, of which at least {@code CONFIG_BYTES} bytes are there. */
    public static DiskFacts read(byte[] config, long features) {
        boolean segments = (features & F_SEG_MAX) != 0;
        return new DiskFacts(
                features,
                u32(config, CONFIG_CAPACITY) | u32(config, CONFIG_CAPACITY + 4) << 32,
                (features & F_BLK_SIZE) != 0 ? (int) u32(config, CONFIG_BLK_SIZE) : SECTOR_BYTES,
                segments ? (int) Math.min(Integer.MAX_VALUE, u32(config, CONFIG_SEG_MAX)) : Integer.MAX_VALUE,
                (features & F_DISCARD) != 0 ? u32(config, CONFIG_MAX_DISCARD_SECTORS) : 0,
                (features & F_WRITE_ZEROES) != 0 ? u32(config, CONFIG_MAX_WRITE_ZEROES_SECTORS) : 0,
                (config[CONFIG_WRITE_ZEROES_MAY_UNMAP] & 1) != 0);
    }

    public boolean accepted(long feature) {
        return (features & feature) == feature;
    }

    private static long u32(byte[] bytes, int offset) {
        return (bytes[offset] & 0xFFL) | (bytes[offset + 1] & 0xFFL) << 8 | (bytes[offset + 2] & 0xFFL) << 16
                | (bytes[offset + 3] & 0xFFL) << 24;
    }
}
