package io.vireo.storage.node;

/**
 * What a node asks of requests and what it can do. All in bytes.
 *
 * @param requestAlignmentBytes offset and length of every request with a range are multiples of this; at least 512
 * @param logicalBlockBytes the unit that a guest is told to address by
 * @param physicalBlockBytes the unit that the storage below rewrites at once
 * @param minIoBytes the smallest good size of a request; 0 = not known
 * @param optIoBytes the best size of a request; 0 = not known
 * @param maxTransferBytes the largest read or write
 * @param discard whether and how ranges can be discarded
 * @param writeZeroes whether and how ranges can be zeroed without data
 * @param zeroesMayUnmap whether write-zeroes can give space back
 */
public record NodeLimits(
        int requestAlignmentBytes,
        int logicalBlockBytes,
        int physicalBlockBytes,
        int minIoBytes,
        int optIoBytes,
        long maxTransferBytes,
        RangeLimits discard,
        RangeLimits writeZeroes,
        boolean zeroesMayUnmap) {
    public static final int SECTOR_BYTES = 512;
    /** What Linux moves in one call: INT_MAX rounded down to a page. */
    public static final long KERNEL_TRANSFER_BYTES = 0x7ffff000L;

    /** A node that takes 512-byte sectors, reads and writes only. */
    public static final NodeLimits SECTORS = new NodeLimits(
            SECTOR_BYTES, SECTOR_BYTES, SECTOR_BYTES, 0, 0, KERNEL_TRANSFER_BYTES,
            RangeLimits.UNSUPPORTED, RangeLimits.UNSUPPORTED, false);

    /** Limits of an operation on a range that carries no data. */
    public record RangeLimits(boolean supported, long maxBytes, int alignmentBytes) {
        public static final RangeLimits UNSUPPORTED = new RangeLimits(false, 0, SECTOR_BYTES);

        /** Supported, ranges of any length. */
        public static RangeLimits alignedTo(int alignmentBytes) {
            return new RangeLimits(true, Long.MAX_VALUE, alignmentBytes);
        }
    }

    public NodeLimits {
        if (requestAlignmentBytes < SECTOR_BYTES || Integer.bitCount(requestAlignmentBytes) != 1) {
            throw new IllegalArgumentException("requestAlignmentBytes=" + requestAlignmentBytes);
        }
        if (logicalBlockBytes < requestAlignmentBytes || Integer.bitCount(logicalBlockBytes) != 1) {
            throw new IllegalArgumentException("logicalBlockBytes=" + logicalBlockBytes);
        }
    }

    public NodeLimits withBlocks(int logicalBlockBytes, int physicalBlockBytes) {
        return new NodeLimits(
                logicalBlockBytes, logicalBlockBytes, Math.max(logicalBlockBytes, physicalBlockBytes),
                minIoBytes, optIoBytes, maxTransferBytes, discard, writeZeroes, zeroesMayUnmap);
    }

    public NodeLimits withIoHints(int minIoBytes, int optIoBytes) {
        return new NodeLimits(
                requestAlignmentBytes, logicalBlockBytes, physicalBlockBytes, minIoBytes, optIoBytes, maxTransferBytes,
                discard, writeZeroes, zeroesMayUnmap);
    }

    public NodeLimits withRanges(RangeLimits discard, RangeLimits writeZeroes, boolean zeroesMayUnmap) {
        return new NodeLimits(
                requestAlignmentBytes, logicalBlockBytes, physicalBlockBytes, minIoBytes, optIoBytes, maxTransferBytes,
                discard, writeZeroes, zeroesMayUnmap);
    }
}
