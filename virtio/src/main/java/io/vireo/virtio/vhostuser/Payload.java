package io.vireo.virtio.vhostuser;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Little-endian numbers in byte arrays, at any alignment, and whole replies. */
final class Payload {
    private static final VarHandle I32 = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle I64 = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private Payload() {}

    static int i32(byte[] bytes, int offset) {
        return (int) I32.get(bytes, offset);
    }

    static long u32(byte[] bytes, int offset) {
        return Integer.toUnsignedLong(i32(bytes, offset));
    }

    static long i64(byte[] bytes, int offset) {
        return (long) I64.get(bytes, offset);
    }

    /** A reply with room for a payload of the given length after the header. */
    static byte[] reply(int request, int payloadBytes) {
        return message(request, VhostUserLayout.FLAG_VERSION | VhostUserLayout.FLAG_REPLY, payloadBytes);
    }

    static byte[] replyU64(int request, long value) {
        byte[] reply = reply(request, VhostUserLayout.U64_BYTES);
        I64.set(reply, VhostUserLayout.HEADER_BYTES, value);
        return reply;
    }

    static byte[] replyState(int request, int index, int num) {
        return state(reply(request, VhostUserLayout.STATE_BYTES), index, num);
    }

    /** @param payloadBytes as the request had it: front-ends in C compare the two */
    static byte[] replyInflight(int request, int payloadBytes, InflightDescription inflight) {
        byte[] reply = reply(request, payloadBytes);
        I64.set(reply, VhostUserLayout.HEADER_BYTES + VhostUserLayout.INFLIGHT_SIZE, inflight.sizeBytes());
        I64.set(reply, VhostUserLayout.HEADER_BYTES + VhostUserLayout.INFLIGHT_OFFSET, inflight.offset());
        I32.set(reply, VhostUserLayout.HEADER_BYTES + VhostUserLayout.INFLIGHT_QUEUES,
                inflight.queues() | inflight.queueSize() << 16);
        return reply;
    }

    /** A request of our own without payload. */
    static byte[] request(int request, int flags) {
        return message(request, flags, 0);
    }

    /** A request of our own about a vring. */
    static byte[] requestState(int request, int flags, int index) {
        return state(message(request, flags, VhostUserLayout.STATE_BYTES), index, 0);
    }

    private static byte[] message(int request, int flags, int payloadBytes) {
        byte[] message = new byte[VhostUserLayout.HEADER_BYTES + payloadBytes];
        I32.set(message, VhostUserLayout.HEADER_REQUEST, request);
        I32.set(message, VhostUserLayout.HEADER_FLAGS, flags);
        I32.set(message, VhostUserLayout.HEADER_SIZE, payloadBytes);
        return message;
    }

    private static byte[] state(byte[] message, int index, int num) {
        I32.set(message, VhostUserLayout.HEADER_BYTES + VhostUserLayout.STATE_INDEX, index);
        I32.set(message, VhostUserLayout.HEADER_BYTES + VhostUserLayout.STATE_NUM, num);
        return message;
    }
}
