package io.vireo.virtio.blk;

/** Block devices that tests judge by. */
final class Devices {
    static final String SERIAL = "vda-0001";

    private Devices() {}

    static BlkProperties disk(long capacityBytes) {
        return disk(capacityBytes, 512, false);
    }

    static BlkProperties disk(long capacityBytes, int logicalBlockBytes, boolean readOnly) {
        return new BlkProperties(
                capacityBytes, logicalBlockBytes, 4096, 4096, 65536, 254, 0, 2, readOnly, true,
                new BlkProperties.Discard(true, 4096, 1, 8),
                new BlkProperties.WriteZeroes(true, 2048, 1, true),
                SERIAL);
    }

    static BlkProperties writeThrough(long capacityBytes) {
        return new BlkProperties(
                capacityBytes, 512, 512, 0, 0, 254, 0, 2, false, false, BlkProperties.Discard.NONE,
                BlkProperties.WriteZeroes.NONE, SERIAL);
    }

    /** One that discards and zeroes several ranges in a request; limits are 4096 and 2048 sectors a range. */
    static BlkProperties ranges(long capacityBytes, int logicalBlockBytes, int segments, boolean mayUnmap) {
        return new BlkProperties(
                capacityBytes, logicalBlockBytes, 4096, 4096, 65536, 254, 0, 2, false, true,
                new BlkProperties.Discard(true, 4096, segments, 8),
                new BlkProperties.WriteZeroes(true, 2048, segments, mayUnmap),
                SERIAL);
    }
}
