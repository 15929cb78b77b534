package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What is said on the back-end's channel, and when. */
@Tag("vhost-user-BACKEND_REQ")
class BackendRequestsTest {
    private static final int NEED_REPLY = 9;
    private final BackendRequests requests = new BackendRequests();

    @Test
    void saysNothingWithoutAChannel() {
        requests.add(BackendRequest.CONFIG_CHANGE_MSG, 0);
        assertNull(requests.next());
        requests.connect(ProtocolFeatures.CONFIG);
        assertArrayEquals(Peer.buffer(12).putInt(2).putInt(1).putInt(0).array(), requests.next());
        assertNull(requests.next());
    }

    @Test
    @Tag("vhost-user/BACKEND_REQ")
    void saysOnlyWhatTheFrontEndUnderstands() {
        requests.connect(ProtocolFeatures.REPLY_ACK | ProtocolFeatures.BACKEND_REQ);
        requests.add(BackendRequest.CONFIG_CHANGE_MSG, 0);
        requests.add(BackendRequest.VRING_CALL, 1);
        assertNull(requests.next());
    }

    @Test
    @Tag("vhost-user-REPLY_ACK")
    void awaitsOneAnswerAndJoinsWhatIsAskedMeanwhile() {
        requests.connect(ProtocolFeatures.OFFERED);
        requests.add(BackendRequest.VRING_CALL, 255);
        assertArrayEquals(about(4, 255), requests.next());
        for (int i = 0; i < 1000; i++) requests.add(BackendRequest.VRING_CALL, 3);
        requests.add(BackendRequest.VRING_ERR, 3);
        requests.add(BackendRequest.CONFIG_CHANGE_MSG, 0);
        assertNull(requests.next(), "the first is not answered yet");
        assertNull(requests.answered(answer(4, 5, 8, 0)));
        assertArrayEquals(Peer.buffer(12).putInt(2).putInt(NEED_REPLY).putInt(0).array(), requests.next());
        assertEquals(BackendRequest.CONFIG_CHANGE_MSG, requests.answered(answer(2, 5, 8, 22)), "it did not obey");
        assertArrayEquals(about(5, 3), requests.next());
        assertNull(requests.answered(answer(5, 5, 8, 0)));
        assertArrayEquals(about(4, 3), requests.next());
        assertNull(requests.answered(answer(4, 5, 8, 0)));
        assertNull(requests.next(), "a thousand calls were one");
    }

    @Test
    void refusesWhatIsNoAnswer() {
        requests.connect(ProtocolFeatures.OFFERED);
        assertThrows(VhostUserException.class, () -> requests.answered(answer(2, 5, 8, 0)), "to nothing");
        requests.add(BackendRequest.CONFIG_CHANGE_MSG, 0);
        requests.next();
        assertThrows(VhostUserException.class, () -> requests.answered(answer(4, 5, 8, 0)), "to another request");
        assertThrows(VhostUserException.class, () -> requests.answered(answer(2, 1, 8, 0)), "no reply");
        assertThrows(VhostUserException.class, () -> requests.answered(answer(2, 5, 4, 0)), "of another size");
        requests.connect(ProtocolFeatures.OFFERED);
        requests.add(BackendRequest.CONFIG_CHANGE_MSG, 0);
        assertEquals(12, requests.next().length, "a new channel owes no answer");
    }

    private static byte[] about(int request, int vring) {
        return Peer.buffer(20).putInt(request).putInt(NEED_REPLY).putInt(8).putInt(vring).putInt(0).array();
    }

    private static byte[] answer(int request, int flags, int sizeBytes, long value) {
        return Peer.buffer(20).putInt(request).putInt(flags).putInt(sizeBytes).putLong(value).array();
    }
}
