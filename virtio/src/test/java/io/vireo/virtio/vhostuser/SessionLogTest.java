package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.posix.EventSignaller;
import io.vireo.posix.Fd;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** When and where a front-end that moves its guest has written pages marked. */
@Tag("vhost-user-LOG_SHMFD")
class SessionLogTest {
    private static final long FEATURES = RecordingBackend.FEATURES | 1L << 30;
    private static final long LOG_ALL = 1L << 26;
    /** For the test's memory, which ends at 1 GiB + 1 MiB. */
    private static final long LOG_BYTES = (Peer.GPA + Peer.MEMORY_BYTES) / 4096 / 8;
    private static final long USED = Peer.GPA + 0x2000;

    private final long descriptorsBefore = Peer.openDescriptors();
    private Peer peer;

    @BeforeEach
    void run() {
        peer = new Peer();
        peer.negotiate();
        peer.shareMemory();
        peer.setUp(0);
    }

    @AfterEach
    void leavesNothingBehind() {
        peer.session.close();
        assertNull(peer.backend.log);
        assertEquals(descriptorsBefore, Peer.openDescriptors(), "descriptors");
        assertEquals(0, Peer.mappings(), "mappings");
    }

    private Session.Answer setLogBase(long sizeBytes, long offset) {
        return peer.send(MessageType.SET_LOG_BASE, Peer.logBase(sizeBytes, offset), Peer.memory(offset + sizeBytes));
    }

    @Test
    void switchesLoggingOnAndOffWhileTheVringRuns() {
        assertEquals(0, Peer.u64(setLogBase(LOG_BYTES, 0)), "answered without being asked to");
        assertNull(peer.backend.log);
        assertEquals(0, Peer.u64(peer.ask(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL))));
        assertNotNull(peer.backend.log);
        assertEquals(0, Peer.u64(peer.ask(MessageType.SET_VRING_ADDR, Peer.loggedAddresses(0, Peer.USER, USED))));
        assertEquals(USED, peer.backend.usedLogs[0].deviceAddress());
        assertEquals(0, Peer.u64(peer.ask(MessageType.SET_FEATURES, Peer.u64(FEATURES))));
        assertNull(peer.backend.log);
        assertEquals(0, Peer.u64(peer.ask(MessageType.SET_VRING_ADDR, Peer.addresses(0, Peer.USER))));
        assertNull(peer.backend.usedLogs[0]);
        assertEquals(List.of("start 0 at 0", "log", "log used 0", "log nothing", "log used nothing 0"),
                peer.backend.calls.subList(peer.backend.calls.size() - 5, peer.backend.calls.size()), "no vring restarted");
        assertEquals(RecordingBackend.FEATURES, peer.backend.accepted, "the device never sees bit 26");
    }

    @Test
    void marksInTheFrontEndsFileFromItsOffsetOn() {
        Fd file = Peer.memory(LOG_BYTES + 4096 + 5);
        try (Mapping theirs = Mapping.shared(file, 0, LOG_BYTES + 4096 + 5, true)) {
            peer.send(MessageType.SET_LOG_BASE, Peer.logBase(LOG_BYTES, 4096 + 5), file);
            peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
            peer.backend.log.mark(Peer.GPA + 4096, 1);
            assertEquals(2, Memory.getU8(theirs.address() + 4096 + 5 + Peer.GPA / 4096 / 8));
        }
    }

    @Test
    @Tag("vhost-user/SET_LOG_BASE")
    void goesOverToAnotherLogAndThenAnswers() {
        setLogBase(LOG_BYTES, 0);
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        peer.send(MessageType.SET_VRING_ADDR, Peer.loggedAddresses(0, Peer.USER, USED));
        var before = peer.backend.log;
        setLogBase(LOG_BYTES * 2, 0);
        assertTrue(before != peer.backend.log);
        assertEquals(peer.backend.log, peer.backend.usedLogs[0].log());
        assertEquals(2, Peer.mappings(), "the memory and one log");
    }

    @Test
    @Tag("vhost-user/SET_LOG_FD")
    void tellsTheListenerOfTheLogInUse() {
        try (EventFd event = EventFd.create(); NativeBlock count = NativeBlock.allocate(8, 8);
                EventSignaller signaller = EventSignaller.open()) {
            setLogBase(LOG_BYTES, 0);
            peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
            peer.send(MessageType.SET_LOG_FD, Peer.none(), event.fd().duplicate());
            peer.backend.log.announce(signaller);
            assertTrue(event.clear(count.address()));
            setLogBase(LOG_BYTES, 0);
            peer.backend.log.announce(signaller);
            assertTrue(event.clear(count.address()), "also of the next");
        }
    }

    /** QEMU says the log last when a device starts while its guest is on the move. */
    @Test
    void startsAVringThatIsToBeLoggedWhenItsLogIsThere() {
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        peer.send(MessageType.SET_VRING_ADDR, Peer.loggedAddresses(0, Peer.USER, USED));
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertNull(peer.backend.running[0]);
        setLogBase(4096, 0);
        assertNull(peer.backend.running[0], "too small");
        setLogBase(LOG_BYTES, 0);
        assertEquals(USED, peer.backend.running[0].usedLog().deviceAddress());
        assertTrue(peer.backend.calls.indexOf("log") < peer.backend.calls.lastIndexOf("start 0 at 7"));
    }

    @Test
    void startsWithoutALogForAFrontEndThatCouldNotSendOne() {
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        peer.send(MessageType.SET_PROTOCOL_FEATURES, Peer.u64(0));
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        peer.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertNotNull(peer.backend.running[0]);
    }

    @Test
    void handsTheDiskOverWhenTheLastLoggedVringHasStopped() {
        peer.setUp(1);
        setLogBase(LOG_BYTES, 0);
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        assertTrue(!peer.backend.calls.contains("hand over"), "vring 1 runs");
        peer.send(MessageType.GET_VRING_BASE, Peer.state(1, 0));
        assertEquals("hand over", peer.backend.calls.getLast());
        peer.send(MessageType.GET_VRING_BASE, Peer.state(1, 0));
        assertEquals(1, peer.backend.calls.stream().filter("hand over"::equals).count());
    }

    /** As QEMU does since version 8. */
    @Test
    void handsTheDiskOverAlsoWhenTheVringsWereDisabledFirst() {
        setLogBase(LOG_BYTES, 0);
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        peer.send(MessageType.SET_VRING_ENABLE, Peer.state(0, 0));
        assertTrue(!peer.backend.calls.contains("hand over"), "it may be enabled again");
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        assertEquals("hand over", peer.backend.calls.getLast());
    }

    /** As QEMU 7.2 does. */
    @Test
    void handsTheDiskOverAlsoWhenTheDeviceStatusStoppedTheVringsFirst() {
        peer.setUp(1);
        setLogBase(LOG_BYTES, 0);
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        peer.send(MessageType.SET_STATUS, Peer.u64(0));
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        peer.send(MessageType.GET_VRING_BASE, Peer.state(1, 0));
        assertEquals(1, peer.backend.calls.stream().filter("hand over"::equals).count());
    }

    @Test
    void keepsTheDiskWhenAGuestThatIsNotMovedStops() {
        peer.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        assertTrue(!peer.backend.calls.contains("hand over"));
    }

    @Test
    void stopsLoggingAtAReset() {
        setLogBase(LOG_BYTES, 0);
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        peer.send(MessageType.RESET_DEVICE, Peer.none());
        assertNull(peer.backend.log);
    }

    @Test
    @Tag("vhost-user/LOG_SHMFD")
    void refusesWhatTheLogHasNoRoomFor() {
        assertEquals(Fault.LOG, peer.ask(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL)).refused().fault());
        setLogBase(LOG_BYTES - 1, 0);
        assertEquals(Fault.LOG, peer.ask(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL)).refused().fault());
        assertEquals(Fault.LOG, peer.ask(MessageType.SET_VRING_ADDR,
                Peer.loggedAddresses(0, Peer.USER, LOG_BYTES * 8 * 4096 - 1)).refused().fault());
        assertEquals(Fault.LOG, peer.ask(MessageType.SET_VRING_ADDR,
                Peer.loggedAddresses(0, Peer.USER, -8)).refused().fault());
        assertNull(peer.backend.log);
        assertNull(peer.backend.usedLogs[0]);

        setLogBase(LOG_BYTES, 0);
        peer.send(MessageType.SET_FEATURES, Peer.u64(FEATURES | LOG_ALL));
        var log = peer.backend.log;
        assertEquals(Fault.LOG, peer.ask(MessageType.SET_LOG_BASE, Peer.logBase(4096, 0), Peer.memory(4096)).refused().fault());
        assertEquals(Fault.LOG, peer.ask(MessageType.ADD_MEM_REG, Peer.slot(Peer.region(Peer.GPA * 2, 4096, Peer.USER * 2, 0)),
                Peer.memory(4096)).refused().fault());
        assertEquals(log, peer.backend.log);
        assertEquals(2, Peer.mappings());
        assertNotNull(peer.backend.running[0]);
    }
}
