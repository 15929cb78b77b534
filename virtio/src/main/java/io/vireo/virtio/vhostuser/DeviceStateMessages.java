package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.Arrays;
import java.util.List;

/**
 * The messages by which a front-end carries the device's own state from one back-end to another, over a pipe that it
 * makes. The state is small: it is written at once, into a pipe with room for it, and read when the front-end has closed
 * its end, as it must have before it asks whether all went well. So nothing here waits. Thread: the session's.
 */
final class DeviceStateMessages implements AutoCloseable {
    private static final int SAVE = 0;
    private static final int LOAD = 1;
    private static final int PHASE_STOPPED = 0;
    private static final int STATE_BYTES_MAX = 4096;

    private final VhostUserBackend backend;
    /** What the state to load comes from; null when none is to. */
    private Fd incoming;
    private boolean failed;

    DeviceStateMessages(VhostUserBackend backend) {
        this.backend = backend;
    }

    byte[] setFd(byte[] payload, List<Fd> fds) {
        int direction = Payload.i32(payload, VhostUserLayout.DEVICE_STATE_DIRECTION);
        int phase = Payload.i32(payload, VhostUserLayout.DEVICE_STATE_PHASE);
        if (direction != SAVE && direction != LOAD || phase != PHASE_STOPPED)
            throw new VhostUserException(Fault.DEVICE_STATE, "device state in direction " + direction + ", phase " + phase);
        close();
        checkKind(fds.getFirst());
        PosixFile.setNonBlocking(fds.getFirst());
        if (direction == SAVE) {
            byte[] state = backend.saveState();
            failed = PosixFile.write(fds.getFirst(), state) != state.length;
        } else {
            failed = false;
            incoming = fds.removeFirst();
        }
        return Payload.replyU64(MessageType.SET_DEVICE_STATE_FD.id(), VhostUserLayout.DEVICE_STATE_NO_FD);
    }

    /** Something that is written to and ends: a pipe, as QEMU's, a socket, or a file that nobody else has to fill. */
    private static void checkKind(Fd fd) {
        switch (PosixFile.status(fd).kind()) {
            case FIFO, SOCKET -> { }
            case REGULAR -> SharedFile.accept("device state", fd);
            case BLOCK, DIRECTORY, OTHER -> throw new VhostUserException(Fault.DESCRIPTOR_KIND,
                    "device state in a descriptor that is no pipe, socket or file");
        }
    }

    /**
     * As {@link Session#said}.
     *
     * @throws IllegalStateException there is something that another process could not answer {@link #check} by
     */
    void said(List<Said> said) {
        if (failed) throw new IllegalStateException("its state is being saved, and was not");
        if (incoming == null) return;
        byte[] payload = Said.payload(VhostUserLayout.DEVICE_STATE_BYTES).putInt(LOAD).putInt(PHASE_STOPPED).array();
        said.add(new Said(MessageType.SET_DEVICE_STATE_FD, payload, List.of(incoming)));
    }

    byte[] check() {
        boolean good = incoming == null ? !failed : load();
        close();
        failed = false;
        return Payload.replyU64(MessageType.CHECK_DEVICE_STATE.id(), good ? 0 : 1);
    }

    private boolean load() {
        byte[] state = new byte[STATE_BYTES_MAX];
        byte[] piece = new byte[STATE_BYTES_MAX];
        int length = 0;
        while (true) {
            int count = PosixFile.read(incoming, piece);
            if (count == 0) return backend.loadState(Arrays.copyOf(state, length));
            // More than there is of a state, an error, or EAGAIN: the other end is still open.
            if (count < 0 || count > state.length - length) return false;
            System.arraycopy(piece, 0, state, length, count);
            length += count;
        }
    }

    @Override
    public void close() {
        if (incoming != null) incoming.close();
        incoming = null;
    }
}
