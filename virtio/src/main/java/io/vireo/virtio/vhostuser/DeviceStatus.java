package io.vireo.virtio.vhostuser;

import io.vireo.virtio.vhostuser.VhostUserException.Fault;

/**
 * The device status field (virtio 1.3, 2.1) as far as a front-end passes it on. It is told what the driver did and
 * decides nothing but FEATURES_OK; rings run by vhost-user's own messages.
 */
final class DeviceStatus {
    static final int FEATURES_OK = 8;
    private static final int BITS = 0xFF;

    private int value;

    int value() {
        return value;
    }

    /** @throws VhostUserException it has more than 8 bits */
    static int check(long status) {
        if ((status & ~BITS) != 0)
            throw new VhostUserException(Fault.STATUS, "device status 0x" + Long.toHexString(status));
        return (int) status;
    }

    /** FEATURES_OK is not kept before there are features, so that a driver which reads it again knows (3.1.1). */
    void set(int status, boolean featuresAccepted) {
        value = featuresAccepted ? status : status & ~FEATURES_OK;
    }
}
