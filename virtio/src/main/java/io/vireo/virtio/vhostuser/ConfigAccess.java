package io.vireo.virtio.vhostuser;

import io.vireo.virtio.vhostuser.VhostUserException.Fault;

/** The range of the configuration space that GET_CONFIG or SET_CONFIG is about: at most to byte 256. */
record ConfigAccess(int offset, int sizeBytes) {
    /** @throws VhostUserException the range is too long, too far, or not what the message carries */
    static ConfigAccess read(byte[] payload) {
        if (payload.length < VhostUserLayout.CONFIG_PAYLOAD)
            throw new VhostUserException(Fault.CONFIG, "configuration access of " + payload.length + " bytes");
        long offset = Payload.u32(payload, VhostUserLayout.CONFIG_OFFSET);
        long sizeBytes = Payload.u32(payload, VhostUserLayout.CONFIG_SIZE);
        // both are below 2^32: the sum of longs cannot overflow
        if (sizeBytes == 0 || offset + sizeBytes > VhostUserLayout.CONFIG_BYTES_MAX)
            throw new VhostUserException(Fault.CONFIG, "configuration bytes %d+%d".formatted(offset, sizeBytes));
        if (payload.length != VhostUserLayout.CONFIG_PAYLOAD + sizeBytes) {
            throw new VhostUserException(Fault.CONFIG,
                    "configuration access to %d bytes carries %d".formatted(
                            sizeBytes, payload.length - VhostUserLayout.CONFIG_PAYLOAD));
        }
        return new ConfigAccess((int) offset, (int) sizeBytes);
    }
}
