package io.vireo.storage.node;

import io.vireo.storage.zone.ZoneLimits;

/**
 * What a node asks of requests and what it can do. All in bytes.
 *
 * @param requestAlignmentBytes offset and length of every request with a range are multiples of this; at least 512
 * @param memoryAlignmentBytes addresses and lengths of buffers that are multiples of this are moved without a copy;
 *     others are copied, which costs time and nothing else
 * @param logicalBlockBytes the unit that a guest is told to address by
 * @param physicalBlockBytes the unit that the storage below rewrites at once
 * @param minIoBytes the smallest good size of a request; 0 = not known
 * @param optIoBytes the best size of a request; 0 = not known
 * @param maxTransferBytes the largest read or write
 * @param discard whether and how ranges can be discarded
 * @param writeZeroes whether and how ranges can be zeroed without data
 * @param zeroesMayUnmap whether write-zeroes can give space back
 * @param rare what few nodes can do
 */
public record NodeLimits(
        int requestAlignmentBytes,
        int memoryAlignmentBytes,
        int logicalBlockBytes,
        int physicalBlockBytes,
        int minIoBytes,
        int optIoBytes,
        long maxTransferBytes,
        RangeLimits discard,
        RangeLimits writeZeroes,
        boolean zeroesMayUnmap,
        Rare rare) {
    public static final int SECTOR_BYTES = 512;
    /** What Linux moves in one call: INT_MAX rounded down to a page. */
    public static final long KERNEL_TRANSFER_BYTES = 0x7ffff000L;

    /** A node that takes 512-byte sectors, reads and writes only. */
    public static final NodeLimits SECTORS = new NodeLimits(
            SECTOR_BYTES, 1, SECTOR_BYTES, SECTOR_BYTES, 0, 0, KERNEL_TRANSFER_BYTES,
            RangeLimits.UNSUPPORTED, RangeLimits.UNSUPPORTED, false, Rare.NONE);

    /** Limits of an operation on a range that carries no data. */
    public record RangeLimits(boolean supported, long maxBytes, int alignmentBytes) {
        public static final RangeLimits UNSUPPORTED = new RangeLimits(false, 0, SECTOR_BYTES);

        /** Supported, ranges of any length. */
        public static RangeLimits alignedTo(int alignmentBytes) {
            return new RangeLimits(true, Long.MAX_VALUE, alignmentBytes);
        }
    }

    /** @param tellsLifetime whether it knows how worn it is */
    public record Rare(RangeLimits secureErase, boolean tellsLifetime, ZoneLimits zones) {
        public static final Rare NONE = new Rare(RangeLimits.UNSUPPORTED, false, ZoneLimits.NONE);
    }

    public NodeLimits {
        if (requestAlignmentBytes < SECTOR_BYTES || Integer.bitCount(requestAlignmentBytes) != 1) {
            throw new IllegalArgumentException("requestAlignmentBytes=" + requestAlignmentBytes);
        }
        if (logicalBlockBytes < requestAlignmentBytes || Integer.bitCount(logicalBlockBytes) != 1) {
            throw new IllegalArgumentException("logicalBlockBytes=" + logicalBlockBytes);
        }
    }

    /** Requests in units of {@code requestAlignmentBytes}, with buffers that had better be aligned to the second. */
    public NodeLimits withAlignment(int requestAlignmentBytes, int memoryAlignmentBytes) {
        int logical = Math.max(requestAlignmentBytes, logicalBlockBytes);
        return new NodeLimits(
                requestAlignmentBytes, memoryAlignmentBytes, logical, Math.max(logical, physicalBlockBytes),
                minIoBytes, optIoBytes, maxTransferBytes, discard, writeZeroes, zeroesMayUnmap, rare);
    }

    /** Blocks as the storage has them; the logical one never below the request alignment. */
    public NodeLimits withBlocks(int logicalBlockBytes, int physicalBlockBytes) {
        int logical = Math.max(requestAlignmentBytes, logicalBlockBytes);
        return new NodeLimits(
                requestAlignmentBytes, memoryAlignmentBytes, logical, Math.max(logical, physicalBlockBytes),
                minIoBytes, optIoBytes, maxTransferBytes, discard, writeZeroes, zeroesMayUnmap, rare);
    }

    public NodeLimits withIoHints(int minIoBytes, int optIoBytes) {
        return new NodeLimits(
                requestAlignmentBytes, memoryAlignmentBytes, logicalBlockBytes, physicalBlockBytes,
                minIoBytes, optIoBytes, maxTransferBytes, discard, writeZeroes, zeroesMayUnmap, rare);
    }

    public NodeLimits withRanges(RangeLimits discard, RangeLimits writeZeroes, boolean zeroesMayUnmap) {
        return new NodeLimits(
                requestAlignmentBytes, memoryAlignmentBytes, logicalBlockBytes, physicalBlockBytes,
                minIoBytes, optIoBytes, maxTransferBytes, discard, writeZeroes, zeroesMayUnmap, rare);
    }

    public NodeLimits withRare(Rare rare) {
        return new NodeLimits(
                requestAlignmentBytes, memoryAlignmentBytes, logicalBlockBytes, physicalBlockBytes,
                minIoBytes, optIoBytes, maxTransferBytes, discard, writeZeroes, zeroesMayUnmap, rare);
    }
}
