package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vireo.virtio.queue.VirtqueueLayout;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class PackedSessionTest {
    private final Peer peer = new Peer();

    @BeforeEach
    void negotiate() {
        peer.backend.offered |= VirtqueueLayout.F_RING_PACKED;
        peer.negotiate();
        peer.shareMemory();
    }

    @AfterEach
    void close() {
        peer.session.close();
    }

    private void kick(int index) {
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(index), Peer.event());
    }

    /** All but base and kick. */
    private void setUp(int index, int size) {
        peer.send(MessageType.SET_VRING_NUM, Peer.state(index, size));
        peer.send(MessageType.SET_VRING_ADDR, Peer.addresses(index, Peer.USER));
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(index, 1));
    }

    @Test
    @Tag("vhost-user-SET_VRING_BASE")
    @Tag("vhost-user/SET_VRING_BASE")
    void goesOnAtABaseWithBothWrapCounters() {
        setUp(1, 100);
        peer.send(MessageType.SET_VRING_BASE, Peer.state(1, 0x0005_8005 | 1 << 31));
        kick(1);
        VringSetup setup = peer.backend.running[1];
        assertEquals(0x8005_8005, setup.base());
        assertEquals(100, setup.size());
        long host = peer.backend.memory.translate(Peer.GPA, Peer.MEMORY_BYTES);
        assertEquals(host, setup.areas().descriptor());
        assertEquals(host + 0x1000, setup.areas().driver());
        assertEquals(host + 0x2000, setup.areas().device());
    }

    @Test
    @Tag("virtio-1.3-2.8.1/wrap-counters")
    void beginsANewVringWithBothWrapCountersAtOne() {
        setUp(1, 8);
        kick(1);
        assertEquals(0x8000_8000, peer.backend.running[1].base());
        byte[] reply = peer.send(MessageType.GET_VRING_BASE, Peer.state(2, 0)).reply();
        assertArrayEquals(Peer.state(2, 0x8000_8000), Arrays.copyOfRange(reply, 12, reply.length));
    }

    @Test
    @Tag("vhost-user-GET_VRING_BASE")
    @Tag("vhost-user/GET_VRING_BASE")
    void answersAllOfTheBaseItStoppedAt() {
        setUp(2, 8);
        kick(2);
        peer.backend.stopsAt = 0x8003_8003;
        byte[] reply = peer.send(MessageType.GET_VRING_BASE, Peer.state(2, 0)).reply();
        assertArrayEquals(Peer.state(2, 0x8003_8003), Arrays.copyOfRange(reply, 12, reply.length));
        kick(2);
        assertEquals(0x8003_8003, peer.backend.running[2].base());
    }

    @Test
    @Tag("vhost-user/SET_VRING_BASE")
    void startsNoVringAtABaseBeyondIt() {
        setUp(0, 8);
        peer.send(MessageType.SET_VRING_BASE, Peer.state(0, 0x8000_8008));
        VhostUserException refused = assertThrows(VhostUserException.class, () -> kick(0));
        assertEquals(Fault.VRING_BASE, refused.fault());
        assertNull(peer.backend.running[0]);
        peer.send(MessageType.SET_VRING_BASE, Peer.state(0, 0x8000_8000));
        kick(0);
        assertNotNull(peer.backend.running[0]);
    }

    @Test
    void startsNoVringOfASizeThatTheFeaturesAcceptedLaterDoNotAllow() {
        setUp(0, 100);
        peer.send(MessageType.SET_FEATURES, Peer.u64(peer.backend.offered & ~VirtqueueLayout.F_RING_PACKED | 1L << 30));
        VhostUserException refused = assertThrows(VhostUserException.class, () -> kick(0));
        assertEquals(Fault.VRING_SIZE, refused.fault());
    }

    /** What the device writes is in two areas, of which the front-end says only for one how its log counts. */
    @Test
    @Tag("vhost-user-LOG_SHMFD")
    void logsDescriptorsWhereTheGuestHasThemAndEventSuppressionWhereTheFrontEndSays() {
        setUp(0, 8);
        kick(0);
        long logBytes = (Peer.GPA + Peer.MEMORY_BYTES) / 4096 / 8;
        peer.send(MessageType.SET_LOG_BASE, Peer.logBase(logBytes, 0), Peer.memory(logBytes));
        VhostUserException refused = peer.ask(MessageType.SET_VRING_ADDR,
                Peer.loggedAddresses(0, Peer.USER, logBytes * 8 * 4096 - 3)).refused();
        assertEquals(Fault.LOG, refused.fault());
        peer.ask(MessageType.SET_VRING_ADDR, Peer.loggedAddresses(0, Peer.USER, logBytes * 8 * 4096 - 4));
        assertEquals(Peer.GPA, peer.backend.usedLogs[0].descriptorAddress());
        assertEquals(logBytes * 8 * 4096 - 4, peer.backend.usedLogs[0].deviceAddress());
    }

    @Test
    @Tag("virtio-1.3-2.8.1/wrap-counters")
    void beginsAtBothWrapCountersAgainAfterAReset() {
        setUp(0, 8);
        kick(0);
        peer.backend.stopsAt = 0x8003_8003;
        peer.send(MessageType.RESET_DEVICE, Peer.none());
        peer.send(MessageType.SET_FEATURES, Peer.u64(peer.backend.offered | 1L << 30));
        setUp(0, 8);
        kick(0);
        assertEquals(0x8000_8000, peer.backend.running[0].base());
    }

    @Test
    @Tag("virtio-1.3-2.8.10.1/areas")
    @Tag("vhost-user/SET_VRING_ADDR")
    void refusesAreasThatAreNotAlignedForEventSuppression() {
        peer.send(MessageType.SET_VRING_NUM, Peer.state(0, 8));
        VhostUserException refused = assertThrows(VhostUserException.class, () -> peer.send(MessageType.SET_VRING_ADDR,
                Peer.addresses(0, Peer.USER, Peer.USER + 0x1002, Peer.USER + 0x2000)));
        assertEquals(Fault.VRING_ADDRESS, refused.fault());
    }
}
