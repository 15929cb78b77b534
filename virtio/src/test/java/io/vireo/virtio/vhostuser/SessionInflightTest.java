package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Fd;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.vhostuser.VhostUserBackend.Failed;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Where requests in flight are written down, between a front-end and the back-ends that come and go. */
class SessionInflightTest {
    /** Of a split virtqueue of 128. */
    private static final long PART_BYTES = 2112;
    private static final int VERSION = 8;

    private final long descriptorsBefore = Peer.openDescriptors();
    private Peer peer;

    @BeforeEach
    void connect() {
        peer = new Peer();
        peer.negotiate();
        peer.shareMemory();
    }

    @AfterEach
    void leavesNothingBehind() {
        peer.session.close();
        assertEquals(descriptorsBefore, Peer.openDescriptors(), "descriptors");
        assertEquals(0, Peer.mappings(), "mappings");
    }

    private Session.Answer set(long fileBytes, byte[] description) {
        return peer.ask(MessageType.SET_INFLIGHT_FD, description, Peer.memory(fileBytes));
    }

    private void setTwo() {
        assertEquals(0, Peer.u64(set(2 * PART_BYTES, Peer.inflight(2 * PART_BYTES, 0, 2, Peer.RING_SIZE))));
    }

    private InflightArea area(int index) {
        return peer.backend.running[index].inflight();
    }

    @Test
    @Tag("vhost-user-INFLIGHT/messages")
    void makesMemoryThatTheFrontEndKeepsAndUsesItAtOnce() {
        // As C lays the structure out.
        byte[] padded = new byte[24];
        System.arraycopy(Peer.inflight(0, 0, 2, 128), 0, padded, 0, 20);
        Session.Answer answer = peer.send(MessageType.GET_INFLIGHT_FD, padded);
        try (Fd file = answer.file()) {
            ByteBuffer reply = ByteBuffer.wrap(answer.reply()).order(ByteOrder.LITTLE_ENDIAN);
            assertEquals(12 + 24, answer.reply().length);
            assertEquals(2 * PART_BYTES, reply.getLong(12));
            assertEquals(0, reply.getLong(20));
            assertEquals(2 | 128 << 16, reply.getInt(28));
            assertEquals(2 * PART_BYTES, PosixFile.status(file).sizeBytes());
            peer.setUp(1);
            Memory.putU8(area(1).address() + 16, 1);
            try (Mapping theirs = Mapping.shared(file, 0, 2 * PART_BYTES, false)) {
                assertEquals(1, Memory.getU8(theirs.address() + PART_BYTES + 16));
            }
        }
    }

    @Test
    @Tag("vhost-user-INFLIGHT/messages")
    void usesWhatItIsGivenFromItsOffsetOn() {
        assertEquals(0, Peer.u64(set(2 * PART_BYTES + 72, Peer.inflight(2 * PART_BYTES, 72, 2, 128))));
        peer.setUp(0);
        peer.setUp(1);
        assertEquals(PART_BYTES, area(1).address() - area(0).address());
        assertEquals(128, area(0).entries());
    }

    @Test
    void tracksNothingForAFrontEndThatGivesNoMemory() {
        peer.setUp(0);
        assertNull(area(0));
    }

    @Test
    @Tag("vhost-user-INFLIGHT/hostile")
    void refusesMemoryThatIsNotThere() {
        long all = 2 * PART_BYTES;
        for (byte[] wrong : List.of(
                Peer.inflight(all + 1, 0, 2, 128), Peer.inflight(all, 8, 2, 128), Peer.inflight(0, 0, 2, 128),
                Peer.inflight(-1, 0, 2, 128), Peer.inflight(all, -8, 2, 128), Peer.inflight(all, Long.MAX_VALUE - 7, 2, 128),
                Peer.inflight(Long.MAX_VALUE, 0, 2, 128), Peer.inflight(all - 64, 4, 2, 128), Peer.inflight(all, 0, 0, 128),
                Peer.inflight(all, 0, 0xFFFF, 128), Peer.inflight(all, 0, 2, 0), Peer.inflight(all, 0, 2, 100),
                Peer.inflight(all, 0, 2, 256), Peer.inflight(PART_BYTES, 0, 2, 128), Peer.inflight(all, 0, 2, 0x8001),
                new byte[19], new byte[21], new byte[0])) {
            assertEquals(1, Peer.u64(set(all, wrong)));
        }
        assertEquals(1, Peer.u64(peer.ask(MessageType.SET_INFLIGHT_FD, Peer.inflight(all, 0, 2, 128), Peer.event())));
        assertThrows(VhostUserException.class,
                () -> peer.send(MessageType.GET_INFLIGHT_FD, Peer.inflight(0, 0, 0xFFFF, 0xFFFF)));
        peer.setUp(0);
        assertNull(area(0));
    }

    @Test
    void refusesAVringThatHasNoRoomInItsMemory() {
        assertEquals(0, Peer.u64(set(PART_BYTES, Peer.inflight(PART_BYTES, 0, 1, 64))));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(0, Peer.USER));
        peer.send(MessageType.SET_VRING_NUM, Peer.state(0, 128));
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(0, 1));
        assertEquals(1, Peer.u64(peer.ask(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event())));
        assertNull(peer.backend.running[0]);
        setTwo();
        peer.setUp(0);
        assertNotNull(area(0));
    }

    @Test
    void changesTheMemoryUnderNoVringThatRuns() {
        setTwo();
        peer.setUp(0);
        assertEquals(1, Peer.u64(set(PART_BYTES, Peer.inflight(PART_BYTES, 0, 1, 128))));
        VhostUserException refused = assertThrows(VhostUserException.class,
                () -> peer.send(MessageType.GET_INFLIGHT_FD, Peer.inflight(0, 0, 1, 128)));
        assertEquals(Fault.VRING_RUNNING, refused.fault());
    }

    @Test
    void goesOnWhereAVringStoppedButNotWhereAnotherBegins() {
        setTwo();
        peer.backend.stopsAt = 7;
        peer.setUp(0);
        InflightArea area = area(0);
        Memory.putU16(area.address() + VERSION, 1);
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        peer.send(MessageType.SET_VRING_BASE, Peer.state(0, 7));
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertTrue(area.isBegun());
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        peer.send(MessageType.SET_VRING_BASE, Peer.state(0, 0));
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertFalse(area.isBegun(), "the driver began its ring anew");
    }

    @Test
    void forgetsEverythingWhenTheDriverStartsOver() {
        setTwo();
        peer.setUp(1);
        InflightArea area = area(1);
        Memory.putU16(area.address() + VERSION, 1);
        peer.send(MessageType.RESET_DEVICE, Peer.none());
        assertFalse(area.isBegun());
    }

    @Test
    @Tag("vhost-user-GET_VRING_BASE_INFLIGHT")
    void leavesFailedRequestsInFlightForAFrontEndThatKnowsOfThemOrIsGone() {
        setTwo();
        peer.setUp(0);
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        assertEquals(List.of(Failed.SUSPEND), peer.backend.ends);
        long all = peer.get(MessageType.GET_PROTOCOL_FEATURES);
        peer.send(MessageType.SET_PROTOCOL_FEATURES, Peer.u64(all & ~ProtocolFeatures.GET_VRING_BASE_INFLIGHT));
        peer.setUp(0);
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        assertEquals(List.of(Failed.SUSPEND, Failed.ANSWER), peer.backend.ends);
        peer.setUp(0);
        peer.session.close();
        assertEquals(List.of(Failed.SUSPEND, Failed.ANSWER, Failed.SUSPEND), peer.backend.ends);
    }

    @Test
    @Tag("vhost-user-GET_VRING_BASE_INFLIGHT")
    void refusesToSuspendWhatIsNotWrittenDown() {
        assertEquals(1, Peer.u64(peer.ask(MessageType.SET_PROTOCOL_FEATURES,
                Peer.u64(ProtocolFeatures.GET_VRING_BASE_INFLIGHT | ProtocolFeatures.REPLY_ACK))));
    }
}
