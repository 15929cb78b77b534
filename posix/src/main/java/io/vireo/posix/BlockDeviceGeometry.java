package io.vireo.posix;

/**
 * What a block device says about itself.
 *
 * @param logicalBlockBytes the unit it can be addressed in (BLKSSZGET)
 * @param physicalBlockBytes the unit it can write without reading first (BLKPBSZGET)
 * @param minIoBytes,optIoBytes preferred sizes of a transfer (BLKIOMIN, BLKIOOPT); 0 when it has no preference
 */
public record BlockDeviceGeometry(
        long sizeBytes, int logicalBlockBytes, int physicalBlockBytes, int minIoBytes, int optIoBytes) {}
