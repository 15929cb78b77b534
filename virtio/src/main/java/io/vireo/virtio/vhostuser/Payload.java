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
        byte[] reply = new byte[VhostUserLayout.HEADER_BYTES + payloadBytes];
        I32.set(reply, VhostUserLayout.HEADER_REQUEST, request);
        I32.set(reply, VhostUserLayout.HEADER_FLAGS, VhostUserLayout.FLAG_VERSION | VhostUserLayout.FLAG_REPLY);
        I32.set(reply, VhostUserLayout.HEADER_SIZE, payloadBytes);
        return reply;
    }

    static byte[] replyU64(int request, long value) {
        byte[] reply = reply(request, VhostUserLayout.U64_BYTES);
        I64.set(reply, VhostUserLayout.HEADER_BYTES, value);
        return reply;
    }

    static byte[] replyState(int request, int index, int num) {
        byte[] reply = reply(request, VhostUserLayout.STATE_BYTES);
        I32.set(reply, VhostUserLayout.HEADER_BYTES + VhostUserLayout.STATE_INDEX, index);
        I32.set(reply, VhostUserLayout.HEADER_BYTES + VhostUserLayout.STATE_NUM, num);
        return reply;
    }
}
