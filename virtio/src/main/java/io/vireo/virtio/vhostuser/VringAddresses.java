package io.vireo.virtio.vhostuser;

/**
 * Where a vring's three parts are in the front-end's virtual addresses; nothing checked.
 *
 * @param logsUsed whether what is written into the virtqueue itself is to be marked in the log
 * @param log where the device area begins as the log counts, a guest physical address
 */
record VringAddresses(long descriptor, long used, long available, boolean logsUsed, long log) {
    static VringAddresses read(byte[] payload) {
        return new VringAddresses(
                Payload.i64(payload, VhostUserLayout.ADDR_DESCRIPTOR),
                Payload.i64(payload, VhostUserLayout.ADDR_USED),
                Payload.i64(payload, VhostUserLayout.ADDR_AVAILABLE),
                (Payload.i32(payload, VhostUserLayout.ADDR_FLAGS) & VhostUserLayout.ADDR_F_LOG) != 0,
                Payload.i64(payload, VhostUserLayout.ADDR_LOG));
    }

    /** As {@link #read} reads it. */
    byte[] payload(int index) {
        return Said.payload(VhostUserLayout.ADDR_BYTES).putInt(index).putInt(logsUsed ? VhostUserLayout.ADDR_F_LOG : 0)
                .putLong(descriptor).putLong(used).putLong(available).putLong(log).array();
    }

    /** The same but for the log. */
    boolean samePlace(VringAddresses other) {
        return other != null && descriptor == other.descriptor && used == other.used && available == other.available;
    }
}
