package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A fuzzer's input as a front-end: messages with descriptors, from the bytes of their headers on. Nothing but refusals
 * comes out, and everything is given back; the back-end asserts the order that it was promised.
 *
 * <p>Shape: a byte of {@link #NEGOTIATED} and {@link #SHARED}, then of each message the number of its descriptors, a bit a
 * descriptor for what it is, its header of 12 bytes and its payload.
 */
public final class SessionFuzz {
    private static final int NEGOTIATED = 1;
    private static final int SHARED = 2;
    private static final int DESCRIPTORS_MAX = 8;
    private static final int MESSAGES_MAX = 64;

    private SessionFuzz() {}

    /** As Jazzer calls it. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) return;
        long descriptors = Peer.openDescriptors();
        Peer peer = new Peer();
        if ((input[0] & NEGOTIATED) != 0) peer.negotiate();
        if ((input[0] & SHARED) != 0) peer.shareMemory();
        int at = 1;
        for (int messages = 0; messages < MESSAGES_MAX && at >= 0; messages++) at = send(peer, input, at);
        peer.session.close();
        peer.link.close();
        if (!peer.backend.gone) throw new AssertionError("the device was not told");
        if (Peer.openDescriptors() != descriptors) throw new AssertionError("descriptors are left behind");
        if (Peer.mappings() != 0) throw new AssertionError("mappings are left behind");
    }

    /** Where the next message begins; -1 when there is none. */
    private static int send(Peer peer, byte[] input, int at) {
        int headerAt = at + 2;
        int payloadAt = headerAt + VhostUserLayout.HEADER_BYTES;
        if (payloadAt > input.length) return -1;
        List<Fd> fds = new ArrayList<>();
        try {
            MessageHeader header = MessageHeader.read(Arrays.copyOfRange(input, headerAt, payloadAt));
            if (header.sizeBytes() > input.length - payloadAt) return -1;
            for (int i = 0; i < (input[at] & 0xFF) % (DESCRIPTORS_MAX + 1); i++) {
                fds.add((input[at + 1] >> i & 1) != 0 ? Peer.memory(Peer.MEMORY_BYTES) : Peer.event());
            }
            byte[] payload = Arrays.copyOfRange(input, payloadAt, payloadAt + header.sizeBytes());
            Fd file = peer.session.handle(header, payload, fds).file();
            if (file != null) file.close();
            if (!fds.isEmpty()) throw new AssertionError("descriptors were not taken");
            return payloadAt + payload.length;
        } catch (VhostUserException _) {
            return -1;
        }
    }
}
