package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device's own state, saved by one back-end and loaded by another. */
@Tag("vhost-user-DEVICE_STATE")
class SessionDeviceStateTest {
    private static final int SAVE = 0;
    private static final int LOAD = 1;
    private static final int NO_FD = 0x100;

    @TempDir
    private Path folder;

    private final long descriptorsBefore = Peer.openDescriptors();
    private Peer peer;
    private Fd reading;
    private Fd writing;

    /** A FIFO, which is a pipe with a name, opened at both ends. */
    @BeforeEach
    void connect() throws IOException, InterruptedException {
        peer = new Peer();
        peer.negotiate();
        Path fifo = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
        Fd both = PosixFile.open(fifo.toString(), PosixFile.O_RDWR, 0); // the other opens would wait for each other
        reading = PosixFile.open(fifo.toString(), PosixFile.O_RDONLY, 0);
        writing = PosixFile.open(fifo.toString(), PosixFile.O_WRONLY, 0);
        both.close();
        Files.delete(fifo);
    }

    @AfterEach
    void leavesNothingBehind() {
        peer.session.close();
        reading.close();
        writing.close();
        assertEquals(descriptorsBefore, Peer.openDescriptors());
        assertEquals(0, Peer.mappings());
    }

    private Session.Answer set(int direction, int phase, Fd fd) {
        return peer.send(MessageType.SET_DEVICE_STATE_FD, Peer.state(direction, phase), fd);
    }

    @Test
    @Tag("vhost-user/SET_DEVICE_STATE_FD")
    void savesAndClosesItsEnd() {
        assertEquals(NO_FD, Peer.u64(set(SAVE, 0, writing)));
        assertTrue(writing.isClosed());
        byte[] bytes = new byte[10];
        assertEquals(3, PosixFile.read(reading, bytes));
        assertArrayEquals(new byte[] {1, 2, 3}, Arrays.copyOf(bytes, 3));
        assertEquals(0, PosixFile.read(reading, bytes));
        assertEquals(0, peer.get(MessageType.CHECK_DEVICE_STATE));
    }

    @Test
    @Tag("vhost-user/CHECK_DEVICE_STATE")
    void saysThatItCouldNotSave() {
        PosixFile.setNonBlocking(writing);
        byte[] block = new byte[4096];
        while (PosixFile.write(writing, block) > 0) {}
        assertEquals(-Errno.EAGAIN, PosixFile.write(writing, block), "the pipe is full");
        assertEquals(NO_FD, Peer.u64(set(SAVE, 0, writing)), "nobody waits for room in it");
        assertEquals(1, peer.get(MessageType.CHECK_DEVICE_STATE));
    }

    @Test
    @Tag("vhost-user/DEVICE_STATE")
    void loadsWhatWasSaved() {
        assertEquals(NO_FD, Peer.u64(set(LOAD, 0, reading)));
        PosixFile.write(writing, new byte[] {1});
        PosixFile.write(writing, new byte[] {2, 3});
        writing.close();
        assertEquals(0, peer.get(MessageType.CHECK_DEVICE_STATE));
        assertEquals("state of 3", peer.backend.calls.getLast());
        assertTrue(reading.isClosed());
    }

    @Test
    @Tag("vhost-user/CHECK_DEVICE_STATE")
    void saysThatItCouldNotLoad() {
        set(LOAD, 0, reading);
        PosixFile.write(writing, new byte[] {1, 2, 4});
        writing.close();
        assertEquals(1, peer.get(MessageType.CHECK_DEVICE_STATE));
    }

    @Test
    void doesNotWaitForAFrontEndThatKeepsItsEndOpen() {
        set(LOAD, 0, reading);
        PosixFile.write(writing, new byte[] {1, 2, 3});
        assertEquals(1, peer.get(MessageType.CHECK_DEVICE_STATE));
    }

    @Test
    @Tag("vhost-user/DEVICE_STATE")
    void readsNoMoreThanAStateHas() {
        set(LOAD, 0, reading);
        PosixFile.write(writing, new byte[5000]);
        writing.close();
        assertEquals(1, peer.get(MessageType.CHECK_DEVICE_STATE));
    }

    @Test
    void refusesWhatIsNoPipeSocketOrFileThatIsFilledHere() {
        for (String path : List.of("/dev/null", "/dev", "/sys/kernel/uevent_seqnum")) {
            Session.Answer refused = set(LOAD, 0, PosixFile.open(path, PosixFile.O_RDONLY, 0));
            assertEquals(NO_FD | 1, Peer.u64(refused), path);
            assertEquals(Fault.DESCRIPTOR_KIND, refused.refused().fault(), path);
        }
    }

    @Test
    @Tag("vhost-user/DEVICE_STATE")
    @Tag("vhost-user/SET_DEVICE_STATE_FD")
    void refusesInItsOwnReply() {
        assertEquals(NO_FD | 1, Peer.u64(set(2, 0, reading.duplicate())));
        assertEquals(NO_FD | 1, Peer.u64(set(SAVE, 1, reading.duplicate())));
        peer.shareMemory();
        peer.setUp(0);
        Session.Answer running = set(SAVE, 0, writing.duplicate());
        assertEquals(NO_FD | 1, Peer.u64(running));
        assertEquals(Fault.VRING_RUNNING, running.refused().fault());
        assertEquals(1, peer.get(MessageType.CHECK_DEVICE_STATE));
    }
}
