package io.vireo.virtio.vhostuser;

import io.vireo.virtio.vhostuser.VhostUserException.Fault;

/** The 12 bytes before each payload. {@code sizeBytes} is the payload's length, already known to be bearable. */
public record MessageHeader(int request, int flags, int sizeBytes) {

    /**
     * Reads and judges a header that came from a front-end. One that is wrong leaves no way to find the next message.
     *
     * @throws VhostUserException version, reply flag or size is wrong; the connection must end
     */
    public static MessageHeader read(byte[] bytes) {
        int request = Payload.i32(bytes, VhostUserLayout.HEADER_REQUEST);
        int flags = Payload.i32(bytes, VhostUserLayout.HEADER_FLAGS);
        int sizeBytes = Payload.i32(bytes, VhostUserLayout.HEADER_SIZE);
        if ((flags & VhostUserLayout.FLAG_VERSION_MASK) != VhostUserLayout.FLAG_VERSION)
            throw new VhostUserException(Fault.HEADER, "header flags 0x%x are not of version 1".formatted(flags));
        if ((flags & VhostUserLayout.FLAG_REPLY) != 0)
            throw new VhostUserException(Fault.HEADER, "header flags 0x%x call a request a reply".formatted(flags));
        if (Integer.compareUnsigned(sizeBytes, VhostUserLayout.PAYLOAD_BYTES_MAX) > 0)
            throw new VhostUserException(Fault.HEADER, "payload of " + Integer.toUnsignedString(sizeBytes) + " bytes");
        return new MessageHeader(request, flags, sizeBytes);
    }

    boolean needsReply() {
        return (flags & VhostUserLayout.FLAG_NEED_REPLY) != 0;
    }
}
