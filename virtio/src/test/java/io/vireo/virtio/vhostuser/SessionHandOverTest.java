package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A session is brought to where another one is, by what was said there, with descriptors of its own as in another process. */
class SessionHandOverTest {
    private static final long PART_BYTES = 2112;
    private static final long LOG_BYTES = 0x10_0000;

    private final long descriptorsBefore = Peer.openDescriptors();
    private Peer old;
    private Peer next;

    @BeforeEach
    void connect() {
        old = new Peer();
        next = new Peer();
        old.negotiate();
    }

    @AfterEach
    void leavesNothingBehind() {
        old.session.close();
        next.session.close();
        assertEquals(descriptorsBefore, Peer.openDescriptors(), "descriptors");
        assertEquals(0, Peer.mappings(), "mappings");
    }

    private static Said copy(Said said) {
        return new Said(said.type(), said.payload(), said.fds().stream().map(Fd::duplicate).toList());
    }

    private void tellAllButKicks() {
        old.session.said().forEach(said -> next.session.hear(copy(said)));
        old.session.positions().forEach(next.session::place);
    }

    /** Reads and clears it. */
    private static long count(EventFd event) {
        try (NativeBlock count = NativeBlock.allocate(8, 8)) {
            return event.clear(count.address()) ? Memory.getLong(count.address()) : 0;
        }
    }

    private void kick() {
        old.session.kicks().forEach(said -> next.session.hear(copy(said)));
    }

    @Test
    void nothingRunsBeforeTheKicksAndThenWhatRan() {
        old.shareMemory();
        old.setUp(0);
        old.setUp(2);
        old.send(MessageType.SET_VRING_ENABLE, Peer.state(2, 0));
        old.backend.stopsAt = 11;
        tellAllButKicks();
        for (VringSetup setup : next.backend.running) assertNull(setup);
        kick();
        VringSetup runs = next.backend.running[0];
        assertEquals(11, runs.base());
        assertEquals(Peer.RING_SIZE, runs.size());
        assertEquals(old.backend.accepted, next.backend.accepted);
        Memory.putLong(old.backend.running[0].areas().device(), 0x1234_5678);
        assertEquals(0x1234_5678, Memory.getLong(runs.areas().device()), "it is the same memory");
        assertNull(next.backend.running[2]);
        next.send(MessageType.SET_VRING_ENABLE, Peer.state(2, 1));
        assertEquals(7, next.backend.running[2].base(), "where it was stopped");
    }

    @Test
    void callsGoOnAndEachDriverIsCalledOnce() {
        old.shareMemory();
        old.setUp(0);
        tellAllButKicks();
        kick();
        EventFd theirs = old.backend.running[0].call();
        count(theirs);
        next.session.callAll();
        assertEquals(1, count(theirs));
    }

    @Test
    void asManyRegionsAsThereAreSlotsForAreTold() {
        for (int i = 0; i < 12; i++) {
            byte[] slot = Peer.slot(Peer.region(Peer.GPA + i * 0x10_0000L, 0x1000, Peer.USER + i * 0x10_0000L, 0));
            old.send(MessageType.ADD_MEM_REG, slot, Peer.memory(0x1000));
        }
        old.send(MessageType.REM_MEM_REG, Peer.slot(Peer.region(Peer.GPA + 0x30_0000L, 0x1000, Peer.USER + 0x30_0000L, 0)));
        tellAllButKicks();
        assertEquals(11, next.backend.memory.regions().size());
        assertEquals(
                old.backend.memory.regions().stream().map(Object::toString).toList(),
                next.backend.memory.regions().stream().map(Object::toString).toList());
        old.send(MessageType.SET_MEM_TABLE, Peer.table());
        assertTrue(old.session.said().stream().noneMatch(said -> said.type() == MessageType.ADD_MEM_REG));
    }

    @Test
    void aVringThatDoesNotRunMayHaveAddressesOfMemoryThatIsGone() {
        old.shareMemory();
        old.setUp(0);
        old.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        old.send(MessageType.SET_MEM_TABLE, Peer.table(Peer.region(0, 0x1000, 0x1000, 0)), Peer.memory(0x1000));
        tellAllButKicks();
        kick();
        assertNull(next.backend.running[0]);
        next.send(MessageType.SET_MEM_TABLE,
                Peer.table(Peer.region(Peer.GPA, Peer.MEMORY_BYTES, Peer.USER, 0)), Peer.memory(Peer.MEMORY_BYTES));
        next.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertNotNull(next.backend.running[0]);
    }

    @Test
    void whatIsInFlightIsWrittenDownInTheSamePlace() {
        old.shareMemory();
        byte[] description = Peer.inflight(2 * PART_BYTES, 0, 2, Peer.RING_SIZE);
        old.send(MessageType.SET_INFLIGHT_FD, description, Peer.memory(2 * PART_BYTES));
        old.setUp(1);
        tellAllButKicks();
        kick();
        Memory.putU8(old.backend.running[1].inflight().address() + 17, 5);
        assertEquals(5, Memory.getU8(next.backend.running[1].inflight().address() + 17));
    }

    /** A front-end that lets it go on elsewhere has a driver that began anew, also when another process has stopped it. */
    @Test
    void aStoppedVringThatStartsElsewhereForgetsWhatWasInFlight() {
        old.shareMemory();
        byte[] description = Peer.inflight(PART_BYTES, 0, 1, Peer.RING_SIZE);
        old.send(MessageType.SET_INFLIGHT_FD, description, Peer.memory(PART_BYTES));
        old.setUp(0);
        Memory.putU16Release(old.backend.running[0].inflight().address() + 8, 1);
        old.send(MessageType.GET_VRING_BASE, Peer.state(0, 0));
        tellAllButKicks();
        next.send(MessageType.SET_VRING_BASE, Peer.state(0, 0));
        next.send(MessageType.SET_VRING_KICK, Peer.u64(0), Peer.event());
        assertTrue(!next.backend.running[0].inflight().isBegun());
    }

    @Test
    void aMigrationUnderWayGoesOn() {
        old.shareMemory();
        old.setUp(0);
        old.send(MessageType.SET_LOG_BASE, Peer.logBase(LOG_BYTES, 0), Peer.memory(LOG_BYTES));
        old.send(MessageType.SET_FEATURES, Peer.u64(old.get(MessageType.GET_FEATURES)));
        tellAllButKicks();
        kick();
        assertNotNull(next.backend.log);
        assertNotNull(next.backend.running[0]);
    }

    @Test
    void theStatusIsKept() {
        old.send(MessageType.SET_STATUS, Peer.u64(15));
        tellAllButKicks();
        assertEquals(15, next.get(MessageType.GET_STATUS));
    }

    @Test
    void nothingIsToldThatThisDeviceDoesNotOffer() {
        next.backend.offered = RecordingBackend.FEATURES & ~(1L << 9);
        List<Said> said = old.session.said();
        VhostUserException refused = assertThrows(VhostUserException.class, () -> said.forEach(each -> next.session.hear(copy(each))));
        assertEquals(Fault.FEATURES, refused.fault());
    }

    /** The other session, in the other process, goes on when this one is not to be. */
    @Test
    void theFirstSessionGoesOnWhenTheOtherOneIsClosed() {
        old.shareMemory();
        old.setUp(0);
        tellAllButKicks();
        next.session.close();
        assertNotNull(old.backend.running[0]);
        old.backend.running[0].kick().signal();
        assertEquals(1, count(old.backend.running[0].kick()));
        assertEquals(0, Peer.u64(old.ask(MessageType.SET_VRING_ENABLE, Peer.state(0, 0))));
    }
}
