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
}
