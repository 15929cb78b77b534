package io.vireo.actors.vhostuser;

import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PeerCredentials;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.Session;
import io.vireo.virtio.vhostuser.VhostUserBackend;
import io.vireo.virtio.vhostuser.VhostUserException;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import io.vireo.virtio.vhostuser.VhostUserLayout;
import java.util.function.BooleanSupplier;

/** One front-end that is being served: its socket, the message that is arriving, its session. Thread: the server's. */
final class ClientConnection implements AutoCloseable {
    final UnixSocket socket;
    final PeerCredentials peer;
    /** For our own requests to it. */
    final BackendChannel channel;
    private final MessageInbox inbox = new MessageInbox();
    private final NativeBlock outbox =
            NativeBlock.allocate(VhostUserLayout.HEADER_BYTES + VhostUserLayout.PAYLOAD_BYTES_MAX, 8);
    private final Session session;
    private VhostUserException refusal;

    /** What one receive brought. */
    enum Progress { ENDED, PART, MESSAGE, REFUSED }

    /** Takes over the socket, also when it throws. */
    ClientConnection(UnixSocket socket, VhostUserBackend backend, RateLimitedLog log) {
        this.socket = socket;
        channel = new BackendChannel(log);
        try {
            peer = socket.peer();
            session = new Session(backend, channel);
        } catch (RuntimeException e) {
            inbox.close();
            outbox.close();
            channel.close();
            socket.close();
            throw e;
        }
    }

    /**
     * Receives once, which blocks unless the socket is readable, and obeys the message if that completed it.
     *
     * @param isWritable whether a reply can be sent without waiting for the front-end
     * @throws VhostUserException the front-end did what ends a connection
     * @throws PosixException the socket failed, or the front-end went without its reply
     */
    Progress receive(BooleanSupplier isWritable) {
        if (!inbox.receive(socket)) return Progress.ENDED;
        if (!inbox.isComplete()) return Progress.PART;
        Session.Answer answer = session.handle(inbox.header(), inbox.payload(), inbox.fds());
        inbox.clear();
        try (Fd _ = answer.file()) {
            if (answer.reply() != null) {
                // Front-ends wait for each reply; one that lets dozens pile up would make us wait in the end.
                if (!isWritable.getAsBoolean())
                    throw new VhostUserException(Fault.UNREAD_REPLIES, "it does not read our replies");
                send(answer.reply(), answer.file());
            }
        }
        refusal = answer.refused();
        return refusal == null ? Progress.MESSAGE : Progress.REFUSED;
    }

    /** Why the last message was {@link Progress#REFUSED}. */
    VhostUserException refusal() {
        return refusal;
    }

    private void send(byte[] reply, Fd file) {
        Memory.copy(reply, 0, outbox.address(), reply.length);
        if (file == null) socket.send(outbox.address(), reply.length);
        else socket.send(outbox.address(), reply.length, file.number());
    }

    /** Stops the vrings, then hangs up: a front-end that sees the end may reuse its memory. */
    @Override
    public void close() {
        try {
            session.close();
        } finally {
            inbox.close();
            outbox.close();
            channel.close();
            socket.close();
        }
    }
}
