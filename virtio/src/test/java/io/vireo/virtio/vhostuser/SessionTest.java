package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.NativeBlock;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What an honest front-end sees. Closing the session at the end must give everything back. */
class SessionTest {
    private final long descriptorsBefore = Peer.openDescriptors();
    private Peer peer;

    @BeforeEach
    void connect() {
        peer = new Peer();
    }

    @AfterEach
    void leavesNothingBehind() {
        peer.session.close();
        peer.link.close();
        assertTrue(peer.backend.gone);
        assertEquals(descriptorsBefore, Peer.openDescriptors(), "descriptors");
        assertEquals(0, Peer.mappings(), "mappings");
    }

    @Test
    @Tag("vhost-user/MQ")
    @Tag("vhost-user/GET_FEATURES")
    @Tag("vhost-user/GET_PROTOCOL_FEATURES")
    @Tag("vhost-user/GET_QUEUE_NUM")
    @Tag("vhost-user/GET_MAX_MEM_SLOTS")
    void offersTheDevicesFeaturesAndItsOwn() {
        assertEquals(RecordingBackend.FEATURES | 1L << 30 | 1L << 26, peer.get(MessageType.GET_FEATURES));
        assertEquals(0x19f62b, peer.get(MessageType.GET_PROTOCOL_FEATURES));
        peer.negotiate();
        assertEquals(RecordingBackend.FEATURES, peer.backend.accepted, "the device never sees bit 30");
        assertEquals(RecordingBackend.QUEUES, peer.get(MessageType.GET_QUEUE_NUM));
        assertEquals(509, peer.get(MessageType.GET_MAX_MEM_SLOTS));
    }

    @Test
    @Tag("vhost-user/reply")
    void repliesCarryRequestVersionAndReplyFlag() {
        byte[] reply = peer.send(MessageType.GET_FEATURES, Peer.none()).reply();
        assertArrayEquals(new byte[] {1, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0}, Arrays.copyOf(reply, 12));
        assertEquals(20, reply.length);
    }

    @Test
    @Tag("virtio-1.3-2.1.2/not-before-it-is-set-up")
    @Tag("vhost-user/SET_OWNER")
    @Tag("vhost-user/SET_VRING_NUM")
    @Tag("vhost-user/SET_VRING_ADDR")
    @Tag("vhost-user/SET_VRING_KICK")
    @Tag("vhost-user/SET_VRING_ERR")
    void startsAVringOnceEverythingIsThereAndItIsEnabled() {
        peer.negotiate();
        peer.shareMemory();
        peer.send(MessageType.SET_VRING_NUM, Peer.state(1, 256));
        peer.send(MessageType.SET_VRING_BASE, Peer.state(1, 65535));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(1, Peer.USER + 0x10000));
        peer.send(MessageType.SET_VRING_ERR, Peer.u64(1), Peer.event());
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(1), Peer.event());
        assertNull(peer.backend.running[1]);
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(1, 1));

        VringSetup setup = peer.backend.running[1];
        long host = peer.backend.memory.translate(Peer.GPA, Peer.MEMORY_BYTES);
        assertEquals(256, setup.size());
        assertEquals(65535, setup.base());
        assertEquals(host + 0x10000, setup.areas().descriptor());
        assertEquals(host + 0x11000, setup.areas().driver());
        assertEquals(host + 0x12000, setup.areas().device());
        assertEquals("VRING_CALL 1", peer.link.watched.get(setup.call()), "as messages, for want of an eventfd");
        assertNotNull(setup.err());
        assertFalse(peer.link.watched.containsKey(setup.err()));
    }

    @Test
    @Tag("vhost-user/SET_VRING_ENABLE")
    void startsWithoutEnableForAFrontEndWithoutProtocolFeatures() {
        peer.send(MessageType.SET_FEATURES, Peer.u64(RecordingBackend.FEATURES));
        peer.shareMemory();
        peer.send(MessageType.SET_VRING_NUM, Peer.state(0, 128));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(0, Peer.USER));
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertNotNull(peer.backend.running[0]);
    }

    @Test
    @Tag("vhost-user/SET_MEM_TABLE")
    void startsWhenMemoryComesLast() {
        peer.negotiate();
        peer.setUp(0);
        assertNull(peer.backend.running[0]);
        peer.shareMemory();
        assertNotNull(peer.backend.running[0]);
    }

    @Test
    @Tag("vhost-user/GET_VRING_BASE")
    void stopsAtGetVringBaseUntilTheNextKick() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(2);
        peer.backend.stopsAt = 0x1234;
        byte[] reply = peer.send(MessageType.GET_VRING_BASE, Peer.state(2, 0)).reply();
        assertArrayEquals(Peer.state(2, 0x1234), Arrays.copyOfRange(reply, 12, reply.length));
        assertNull(peer.backend.running[2]);

        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(2, 1));
        assertNull(peer.backend.running[2], "a stopped vring needs a kick");
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(2), Peer.event());
        assertEquals(0x1234, peer.backend.running[2].base());
    }

    @Test
    @Tag("vhost-user/GET_VRING_BASE")
    void answersTheBaseOfAVringThatNeverRan() {
        peer.negotiate();
        peer.send(MessageType.SET_VRING_BASE, Peer.state(3, 99));
        byte[] reply = peer.send(MessageType.GET_VRING_BASE, Peer.state(3, 0)).reply();
        assertArrayEquals(Peer.state(3, 99), Arrays.copyOfRange(reply, 12, reply.length));
    }

    @Test
    @Tag("vhost-user/SET_VRING_ENABLE")
    void pausesWhileDisabledAndGoesOnWhereItStopped() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        peer.backend.stopsAt = 41;
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(0, 0));
        assertNull(peer.backend.running[0]);
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(0, 1));
        assertEquals(41, peer.backend.running[0].base());
    }

    @Test
    @Tag("vhost-user/SET_VRING_CALL")
    void signalsANewCallOnceAndHandsItToTheRunningVring() {
        peer.negotiate();
        EventFd early = EventFd.create();
        EventFd late = EventFd.create();
        try (NativeBlock count = NativeBlock.allocate(8, 8)) {
            peer.send(MessageType.SET_VRING_CALL, Peer.u64(0), early.fd().duplicate());
            assertTrue(early.clear(count.address()), "before the vring runs");
            peer.shareMemory();
            peer.setUp(0);
            peer.send(MessageType.SET_VRING_CALL, Peer.u64(0), late.fd().duplicate());
            assertTrue(late.clear(count.address()));
            assertFalse(late.clear(count.address()), "once");
            assertEquals("call 0", peer.backend.calls.getLast());
            peer.send(MessageType.SET_VRING_CALL, Peer.u64(0x100));
            assertEquals("call 0 none", peer.backend.calls.getLast());
        } finally {
            early.close();
            late.close();
        }
    }

    @Test
    @Tag("vhost-user/SET_VRING_KICK")
    void replacesAKickByStoppingAndStarting() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        EventFd before = peer.backend.running[0].kick();
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertNotEquals(before, peer.backend.running[0].kick());
        assertTrue(before.fd().isClosed());
        assertEquals(List.of("stop 0", "start 0 at 7"), peer.backend.calls.subList(
                peer.backend.calls.size() - 2, peer.backend.calls.size()));
    }

    @Test
    @Tag("vhost-user/SET_MEM_TABLE")
    void movesRunningVringsWhenTheMemoryTableChanges() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        long before = peer.backend.rings[0].descriptor();
        peer.shareMemory();
        assertNotEquals(before, peer.backend.rings[0].descriptor());
        assertEquals(peer.backend.memory.translate(Peer.GPA, 1), peer.backend.rings[0].descriptor());
        assertEquals(1, Peer.mappings(), "the old mapping went with its last generation");
    }

    @Test
    @Tag("vhost-user/CONFIGURE_MEM_SLOTS")
    @Tag("vhost-user/ADD_MEM_REG")
    @Tag("vhost-user/REM_MEM_REG")
    void addsAndRemovesSlotsAndKeepsTheMappingsThatStay() {
        peer.negotiate();
        byte[] first = Peer.slot(Peer.region(Peer.GPA, Peer.MEMORY_BYTES, Peer.USER, 0));
        byte[] second = Peer.slot(Peer.region(Peer.GPA * 4, 4096, Peer.USER * 2, 8192));
        peer.send(MessageType.ADD_MEM_REG, first, Peer.memory(Peer.MEMORY_BYTES));
        peer.setUp(0);
        long ring = peer.backend.rings[0].descriptor();
        peer.send(MessageType.ADD_MEM_REG, second, Peer.memory(16384));
        assertEquals(2, Peer.mappings());
        assertEquals(ring, peer.backend.rings[0].descriptor());
        // Some front-ends attach a descriptor to the removal, which is not used.
        peer.send(MessageType.REM_MEM_REG, second, Peer.memory(4096));
        assertEquals(1, Peer.mappings());
        assertEquals(List.of("memory 1", "start 0 at 0", "memory 2", "memory 1"), peer.backend.calls.stream()
                .filter(call -> call.startsWith("memory") || call.startsWith("start")).toList());
    }

    @Test
    @Tag("vhost-user/SET_MEM_TABLE")
    void acceptsNothingAsAMemoryTable() {
        peer.negotiate();
        peer.shareMemory();
        peer.send(MessageType.SET_MEM_TABLE, Peer.table());
        assertEquals(0, Peer.mappings());
        peer.setUp(0);
        assertNull(peer.backend.running[0]);
    }

    @Test
    @Tag("vhost-user/CONFIG")
    @Tag("vhost-user/GET_CONFIG")
    void readsConfigurationOfAnySizeZeroFilled() {
        peer.negotiate();
        byte[] reply = peer.send(MessageType.GET_CONFIG, Peer.config(0, 256, 256)).reply();
        assertEquals(12 + 12 + 256, reply.length);
        assertEquals(60, reply[24 + 59]);
        assertEquals(0, reply[24 + 60]);
        reply = peer.send(MessageType.GET_CONFIG, Peer.config(32, 1, 1)).reply();
        assertEquals(13, reply[8]);
        assertEquals(33, reply[24]);
    }

    @Test
    @Tag("vhost-user/CONFIG")
    @Tag("vhost-user/SET_CONFIG")
    void writesConfigurationOrSaysNo() {
        peer.negotiate();
        byte[] write = Peer.config(RecordingBackend.WRITABLE_OFFSET, 1, 1);
        write[12] = 1;
        assertEquals(0, Peer.u64(peer.ask(MessageType.SET_CONFIG, write)));
        assertEquals("config 1", peer.backend.calls.getLast());
        Session.Answer refused = peer.ask(MessageType.SET_CONFIG, Peer.config(0, 1, 1));
        assertEquals(1, Peer.u64(refused));
        assertEquals(VhostUserException.Fault.CONFIG, refused.refused().fault());
        Session.Answer silent = peer.send(MessageType.SET_CONFIG, Peer.config(0, 1, 1));
        assertNull(silent.reply());
        assertNotNull(silent.refused(), "a guest's bad write does not cost it the disk");
    }

    @Test
    @Tag("vhost-user/REPLY_ACK")
    void acknowledgesOnlyWhatWasAskedAndNegotiated() {
        assertNull(peer.ask(MessageType.SET_OWNER, Peer.none()).reply());
        peer.negotiate();
        assertEquals(0, Peer.u64(peer.ask(MessageType.SET_OWNER, Peer.none())));
        assertEquals(0, Peer.u64(peer.ask(MessageType.RESET_OWNER, Peer.none())));
        assertNull(peer.send(MessageType.SET_OWNER, Peer.none()).reply());
        assertEquals(8, Peer.replySize(peer.ask(MessageType.GET_QUEUE_NUM, Peer.none())), "no second reply");
        assertEquals(RecordingBackend.QUEUES, peer.get(MessageType.GET_QUEUE_NUM));
    }

    @Test
    @Tag("vhost-user-BACKEND_REQ")
    @Tag("vhost-user/BACKEND_REQ")
    @Tag("vhost-user/SET_PROTOCOL_FEATURES")
    @Tag("vhost-user/SET_BACKEND_REQ_FD")
    void handsOverTheBackendChannelWithWhatWasAgreedOn() {
        peer.negotiate();
        peer.send(MessageType.SET_BACKEND_REQ_FD, Peer.none(), Sockets.any());
        assertFalse(peer.link.socket.isClosed());
        assertEquals(ProtocolFeatures.OFFERED, peer.link.protocolFeatures);
    }

    @Test
    @Tag("vhost-user-STATUS")
    @Tag("virtio-1.3-2.2.2/subset")
    @Tag("virtio-1.3-3.1.1/features-ok")
    @Tag("vhost-user/STATUS")
    @Tag("vhost-user/SET_STATUS")
    @Tag("vhost-user/GET_STATUS")
    void keepsTheDeviceStatusAndFeaturesOkOnlyWithFeatures() {
        peer.send(MessageType.SET_PROTOCOL_FEATURES, Peer.u64(ProtocolFeatures.STATUS));
        peer.send(MessageType.SET_STATUS, Peer.u64(1 | 2 | 8));
        assertEquals(1 | 2, peer.get(MessageType.GET_STATUS), "there are no features yet");
        peer.negotiate();
        peer.send(MessageType.SET_STATUS, Peer.u64(1 | 2 | 4 | 8));
        assertEquals(1 | 2 | 4 | 8, peer.get(MessageType.GET_STATUS));
    }

    @Test
    @Tag("vhost-user-STATUS")
    @Tag("virtio-1.3-2.4.1/status")
    @Tag("virtio-1.3-2.4.1/silent")
    @Tag("vhost-user/STATUS")
    void stopsEveryVringAtStatusZeroUntilItsNextKick() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        peer.setUp(3);
        peer.send(MessageType.SET_STATUS, Peer.u64(0));
        assertNull(peer.backend.running[0]);
        assertNull(peer.backend.running[3]);
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(0, 1));
        assertNull(peer.backend.running[0], "a stopped vring needs a kick");
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertEquals(7, peer.backend.running[0].base());
    }

    @Test
    @Tag("vhost-user-RESET_DEVICE")
    @Tag("virtio-1.3-2.4.1/status")
    @Tag("vhost-user/RESET_DEVICE")
    void startsOverAtAResetWithTheSameMemory() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        peer.send(MessageType.SET_STATUS, Peer.u64(15));
        assertEquals(0, Peer.u64(peer.ask(MessageType.RESET_DEVICE, Peer.none())));
        assertEquals(List.of("stop 0", "reset"), peer.backend.calls.subList(
                peer.backend.calls.size() - 2, peer.backend.calls.size()));
        assertEquals(0, peer.get(MessageType.GET_STATUS));
        assertEquals(1, Peer.mappings());

        peer.setUp(0);
        assertNull(peer.backend.running[0], "features come first");
        peer.send(MessageType.SET_FEATURES, Peer.u64(RecordingBackend.FEATURES | 1L << 30));
        assertEquals(0, peer.backend.running[0].base());
        assertEquals(RecordingBackend.FEATURES, peer.backend.accepted);
    }

    @Test
    @Tag("vhost-user-INBAND_NOTIFICATIONS")
    @Tag("vhost-user/INBAND_NOTIFICATIONS")
    @Tag("vhost-user/VRING_KICK")
    void startsAVringAtAKickThatIsAMessage() {
        peer.negotiate();
        peer.shareMemory();
        peer.send(MessageType.SET_VRING_NUM, Peer.state(1, Peer.RING_SIZE));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(1, Peer.USER));
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(1, 1));
        assertNull(peer.backend.running[1]);
        assertEquals(0, Peer.u64(peer.ask(MessageType.VRING_KICK, Peer.state(1, 0))));
        VringSetup setup = peer.backend.running[1];
        try (NativeBlock count = NativeBlock.allocate(8, 8)) {
            assertTrue(setup.kick().clear(count.address()));
            peer.send(MessageType.VRING_KICK, Peer.state(1, 0));
            assertTrue(setup.kick().clear(count.address()), "the next one too");
        }
        assertEquals("VRING_CALL 1", peer.link.watched.get(setup.call()));
        assertEquals("VRING_ERR 1", peer.link.watched.get(setup.err()));
    }

    @Test
    @Tag("vhost-user-INBAND_NOTIFICATIONS")
    @Tag("vhost-user/INBAND_NOTIFICATIONS")
    void prefersTheFrontEndsEventfdsToMessages() {
        peer.negotiate();
        peer.shareMemory();
        peer.send(MessageType.SET_VRING_CALL, Peer.u64(0x100 | 2));
        peer.send(MessageType.SET_VRING_NUM, Peer.state(2, Peer.RING_SIZE));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(2, Peer.USER));
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(2, 1));
        peer.send(MessageType.VRING_KICK, Peer.state(2, 0));
        assertNull(peer.backend.running[2].call(), "it said that it polls");
        assertEquals(1, peer.link.watched.size());
        peer.send(MessageType.SET_VRING_ERR, Peer.u64(2), Peer.event());
        assertTrue(peer.link.watched.isEmpty());
        assertEquals("err 2", peer.backend.calls.getLast());
    }

    @Test
    @Tag("vhost-user/SET_FEATURES")
    void takesFeaturesAnewAfterTheVringsStopped() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        peer.send(MessageType.SET_FEATURES, Peer.u64(RecordingBackend.FEATURES | 1L << 30));
        assertNotNull(peer.backend.running[0], "the same features again change nothing");
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        peer.send(MessageType.SET_FEATURES, Peer.u64(1L << 32 | 1L << 30));
        assertEquals(1L << 32, peer.backend.accepted);
    }

    @Test
    @Tag("virtio-1.3-3.3.1/cleanup")
    void stopsWhatRunsWhenTheConnectionEnds() {
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
        peer.setUp(3);
        peer.session.close();
        peer.session.close();
        assertEquals(List.of("stop 0", "stop 3", "disconnected"),
                peer.backend.calls.subList(peer.backend.calls.size() - 3, peer.backend.calls.size()));
    }
}
