package io.vireo.virtio.vhostuser;

/** Where a vring's three parts are in the front-end's virtual addresses; nothing checked. Logging is not offered. */
record VringAddresses(long descriptor, long used, long available) {
    static VringAddresses read(byte[] payload) {
        return new VringAddresses(
                Payload.i64(payload, VhostUserLayout.ADDR_DESCRIPTOR),
                Payload.i64(payload, VhostUserLayout.ADDR_USED),
                Payload.i64(payload, VhostUserLayout.ADDR_AVAILABLE));
    }
}
