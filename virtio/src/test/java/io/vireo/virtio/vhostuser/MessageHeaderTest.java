package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class MessageHeaderTest {
    @Test
    @Tag("vhost-user/header")
    void readsWhatAFrontEndSends() {
        assertEquals(new MessageHeader(37, 9, 40), MessageHeader.read(header(37, 9, 40)));
        assertEquals(4096, MessageHeader.read(header(1, 1, 4096)).sizeBytes());
    }

    @Test
    @Tag("vhost-user/header")
    void refusesOtherVersionsRepliesAndLongPayloads() {
        for (byte[] bad : new byte[][] {
            header(1, 0, 0), header(1, 2, 0), header(1, 3, 0), header(1, 5, 0), header(2, 1, 4097), header(2, 1, 65536), header(2, 1, -1)
        }) {
            VhostUserException refused = assertThrows(VhostUserException.class, () -> MessageHeader.read(bad));
            assertEquals(VhostUserException.Fault.HEADER, refused.fault());
        }
    }

    @Test
    void knowsRequestsByTheirNumbers() {
        for (MessageType type : MessageType.values()) assertSame(type, MessageType.of(type.id()));
        for (int unknown : new int[] {0, 19, 20, 22, 23, 30, 41, 44, 200, -1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            assertNull(MessageType.of(unknown));
        }
    }

    private static byte[] header(int request, int flags, int sizeBytes) {
        return Peer.buffer(12).putInt(request).putInt(flags).putInt(sizeBytes).array();
    }
}
