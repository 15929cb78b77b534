package io.vireo.virtio.blk;

import java.nio.charset.StandardCharsets;

/**
 * What a block device is, before any driver looks at it: the source of its features and configuration space, and what
 * its requests are judged by.
 *
 * @param capacityBytes a multiple of 512; a tail shorter than a logical block cannot be reached
 * @param logicalBlockBytes the smallest unit of I/O, a power of two of at least 512
 * @param physicalBlockBytes a power of two, at least the logical block
 * @param minIoBytes suggested granularity of I/O, in whole logical blocks; 0 when there is none to suggest
 * @param optIoBytes suggested size of I/O, in whole logical blocks; 0 when there is none to suggest
 * @param segMax data buffers a driver may put in one request
 * @param sizeMaxBytes bytes of one such buffer; 0: no limit is offered
 * @param writeCache whether it begins as a write-back device
 * @param serial at most 20 bytes of UTF-8
 * @param lifetime whether it tells how worn it is
 * @throws IllegalArgumentException a value that the device could not be
 */
public record BlkProperties(
        long capacityBytes,
        int logicalBlockBytes,
        int physicalBlockBytes,
        int minIoBytes,
        int optIoBytes,
        int segMax,
        int sizeMaxBytes,
        int numQueues,
        boolean readOnly,
        boolean writeCache,
        Discard discard,
        WriteZeroes writeZeroes,
        String serial,
        SecureErase secureErase,
        boolean lifetime,
        Zoned zoned) {

    /** @param alignmentSectors of a discarded range's start, as a hint to the driver */
    public record Discard(boolean supported, int maxSectors, int maxSegments, int alignmentSectors) {
        public static final Discard NONE = new Discard(false, 0, 0, 0);

        public Discard {
            requireRange("discard", supported, maxSectors, maxSegments);
            require(alignmentSectors >= (supported ? 1 : 0), "discard alignment of sectors", alignmentSectors);
        }
    }

    /** @param mayUnmap whether a driver's wish to deallocate what it zeroes is granted */
    public record WriteZeroes(boolean supported, int maxSectors, int maxSegments, boolean mayUnmap) {
        public static final WriteZeroes NONE = new WriteZeroes(false, 0, 0, false);

        public WriteZeroes {
            requireRange("write zeroes", supported, maxSectors, maxSegments);
        }
    }

    /** @param alignmentSectors of an erased range; never broken up, so a multiple of whatever is erased at once */
    public record SecureErase(boolean supported, int maxSectors, int maxSegments, int alignmentSectors) {
        public static final SecureErase NONE = new SecureErase(false, 0, 0, 0);

        public SecureErase {
            requireRange("secure erase", supported, maxSectors, maxSegments);
            require(alignmentSectors >= (supported ? 1 : 0), "secure erase alignment of sectors", alignmentSectors);
        }
    }

    /**
     * @param model {@code BlkLayout.Z_…}
     * @param maxOpen,maxActive zones at once; 0: any number
     * @param maxAppendSectors 0: no appends
     * @param writeGranularityBytes of writes to sequential zones
     */
    public record Zoned(
            int model, int zoneSectors, int maxOpen, int maxActive, int maxAppendSectors, int writeGranularityBytes) {
        public static final Zoned NONE = new Zoned(BlkLayout.Z_NONE, 0, 0, 0, 0, 0);

        public Zoned {
            require(model >= BlkLayout.Z_NONE && model <= BlkLayout.Z_HA, "zoned model", model);
            boolean zones = model != BlkLayout.Z_NONE;
            require(zoneSectors >= (zones ? 1 : 0), "zone sectors", zoneSectors);
            require(maxOpen >= 0 && maxActive >= 0 && maxAppendSectors >= 0, "zone limits", maxAppendSectors);
            require(!zones || isPowerOfTwo(writeGranularityBytes, BlkLayout.SECTOR_BYTES), "write granularity",
                    writeGranularityBytes);
        }

        public boolean hasZones() {
            return model != BlkLayout.Z_NONE;
        }
    }

    /** A device that neither erases, nor knows how worn it is, nor has zones. */
    public BlkProperties(
            long capacityBytes, int logicalBlockBytes, int physicalBlockBytes, int minIoBytes, int optIoBytes, int segMax,
            int sizeMaxBytes, int numQueues, boolean readOnly, boolean writeCache, Discard discard,
            WriteZeroes writeZeroes, String serial) {
        this(capacityBytes, logicalBlockBytes, physicalBlockBytes, minIoBytes, optIoBytes, segMax, sizeMaxBytes, numQueues,
                readOnly, writeCache, discard, writeZeroes, serial, SecureErase.NONE, false, Zoned.NONE);
    }

    public BlkProperties {
        require(capacityBytes >= 0 && capacityBytes % BlkLayout.SECTOR_BYTES == 0, "capacity", capacityBytes);
        require(isPowerOfTwo(logicalBlockBytes, BlkLayout.SECTOR_BYTES), "logical block", logicalBlockBytes);
        require(isPowerOfTwo(physicalBlockBytes, logicalBlockBytes), "physical block", physicalBlockBytes);
        require(isBlocks(minIoBytes, logicalBlockBytes, 0xFFFF), "minimum I/O", minIoBytes);
        require(isBlocks(optIoBytes, logicalBlockBytes, Integer.MAX_VALUE), "optimal I/O", optIoBytes);
        require(segMax >= 1, "segments", segMax);
        require(sizeMaxBytes >= 0, "segment size", sizeMaxBytes);
        require(numQueues >= 1 && numQueues <= 0xFFFF, "queues", numQueues);
        int serialBytes = serial.getBytes(StandardCharsets.UTF_8).length;
        require(serialBytes <= BlkLayout.ID_BYTES, "bytes of serial", serialBytes);
    }

    /** The same device at another size. */
    public BlkProperties withCapacityBytes(long newCapacityBytes) {
        return new BlkProperties(
                newCapacityBytes, logicalBlockBytes, physicalBlockBytes, minIoBytes, optIoBytes, segMax, sizeMaxBytes,
                numQueues, readOnly, writeCache, discard, writeZeroes, serial, secureErase, lifetime, zoned);
    }

    /** The same device with what few have. */
    public BlkProperties with(SecureErase secureErase, boolean lifetime, Zoned zoned) {
        return new BlkProperties(
                capacityBytes, logicalBlockBytes, physicalBlockBytes, minIoBytes, optIoBytes, segMax, sizeMaxBytes,
                numQueues, readOnly, writeCache, discard, writeZeroes, serial, secureErase, lifetime, zoned);
    }

    public long capacitySectors() {
        return capacityBytes / BlkLayout.SECTOR_BYTES;
    }

    /** Whether DISCARD is offered: never on a read-only device. */
    public boolean discards() {
        return discard.supported() && !readOnly;
    }

    /** Whether SECURE_ERASE is offered: never on a read-only device. */
    public boolean secureErases() {
        return secureErase.supported() && !readOnly;
    }

    /** Whether WRITE_ZEROES is offered: never on a read-only device. */
    public boolean writesZeroes() {
        return writeZeroes.supported() && !readOnly;
    }

    private static boolean isPowerOfTwo(int value, int least) {
        return value >= least && Integer.bitCount(value) == 1;
    }

    private static boolean isBlocks(int bytes, int blockBytes, int blocksMax) {
        return bytes >= 0 && bytes % blockBytes == 0 && bytes / blockBytes <= blocksMax;
    }

    private static void requireRange(String what, boolean supported, int maxSectors, int maxSegments) {
        require(maxSectors >= (supported ? 1 : 0), what + " sectors", maxSectors);
        int most = supported ? BlkRequestReader.SEGMENTS_MAX : 0;
        require(maxSegments >= (supported ? 1 : 0) && maxSegments <= most, what + " segments", maxSegments);
    }

    private static void require(boolean fine, String what, long value) {
        if (!fine) throw new IllegalArgumentException(what + ": " + value);
    }
}
