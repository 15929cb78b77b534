package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A message that brings a session to where another one is: what its front-end has said, or would have had to.
 *
 * @param fds the session's that answered it, or whoever has it hear by another one
 */
public record Said(MessageType type, byte[] payload, List<Fd> fds) {
    static Said u64(MessageType type, long value, Fd... fds) {
        return new Said(type, payload(VhostUserLayout.U64_BYTES).putLong(value).array(), List.of(fds));
    }

    static Said state(MessageType type, int index, int num) {
        return new Said(type, payload(VhostUserLayout.STATE_BYTES).putInt(index).putInt(num).array(), List.of());
    }

    /** SET_BACKEND_REQ_FD, of which a session does not keep the socket. */
    public static Said channel(Fd socket) {
        return new Said(MessageType.SET_BACKEND_REQ_FD, new byte[0], List.of(socket));
    }

    /** About a vring's kick, call or err. */
    static Said event(MessageType type, int vring, Fd event) {
        return event == null ? u64(type, vring | VhostUserLayout.VRING_NO_FD) : u64(type, vring, event);
    }

    static ByteBuffer payload(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
