package io.vireo.actors.vhostuser;

import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PeerCredentials;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.BackendRequest;
import io.vireo.virtio.vhostuser.Said;
import io.vireo.virtio.vhostuser.Session;
import io.vireo.virtio.vhostuser.VhostUserBackend;
import io.vireo.virtio.vhostuser.VhostUserException;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import io.vireo.virtio.vhostuser.VhostUserLayout;
import java.util.List;

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
    /** Of a connection that another process has begun, until it goes on. */
    private List<Said> kicks = List.of();

    private boolean tellConfigChanged;

    /** What one receive brought. */
    enum Progress { ENDED, PART, MESSAGE, REFUSED }

    /** Takes over the socket, unless it throws. */
    ClientConnection(UnixSocket socket, VhostUserBackend backend, RateLimitedLog log) {
        this.socket = socket;
        BackendChannel made = null;
        try {
            made = new BackendChannel(log);
            peer = socket.peer();
            session = new Session(backend, made);
        } catch (RuntimeException e) {
            inbox.close();
            outbox.close();
            if (made != null) made.close();
            throw e;
        }
        channel = made;
    }

    /**
     * Goes on with what another process has begun; nothing runs, and nothing is told, before {@link #goOn}. Takes over what the
     * state has, also when this throws: but the connection stays whoever's it is besides.
     *
     * @throws VhostUserException it is no state of a front-end that could be served here
     */
    static ClientConnection of(ClientState state, VhostUserBackend backend, RateLimitedLog log) {
        UnixSocket socket = UnixSocket.adoptConnected(state.socket());
        ClientConnection connection;
        try {
            connection = new ClientConnection(socket, backend, log);
        } catch (RuntimeException e) {
            socket.leave();
            state.closeUnheard();
            throw e;
        }
        try {
            connection.inbox.goOn(state.arriving(), state.arrivingFds());
            state.said().forEach(connection.session::hear);
            state.channel().ifPresent(channel -> {
                connection.session.hear(Said.channel(channel.socket()));
                connection.channel.goOn(channel);
            });
            state.positions().forEach(connection.session::place);
            connection.kicks = state.kicks();
            connection.tellConfigChanged = state.configChanged();
            return connection;
        } catch (RuntimeException e) {
            connection.leave();
            state.closeUnheard();
            throw e;
        }
    }

    /** Lets run what ran in the process before. */
    void goOn() {
        kicks.forEach(session::hear);
        kicks = List.of();
        session.callAll();
        if (tellConfigChanged) channel.request(BackendRequest.CONFIG_CHANGE_MSG, 0);
    }

    /**
     * What another process goes on with. Nothing of its vrings is in flight, and no message is being obeyed.
     *
     * @throws IllegalStateException it cannot go on elsewhere now
     */
    ClientState state() {
        return new ClientState(socket.fd(), inbox.arriving(), List.copyOf(inbox.fds()), channel.state(),
                channel.isConfigChangePending(), session.said(), session.kicks(), session.positions());
    }

    /** Gives back what it has, and leaves the connection to another process. */
    private void leave() {
        channel.leave();
        session.close();
        inbox.close();
        outbox.close();
        socket.leave();
    }

    /**
     * Receives once from a socket that is said to be readable, and obeys the message if that completed it. Never waits for
     * the front-end.
     *
     * @throws VhostUserException the front-end did what ends a connection
     * @throws PosixException the socket failed, or the front-end went without its reply
     */
    Progress receive() {
        if (!inbox.receive(socket)) return Progress.ENDED;
        if (!inbox.isComplete()) return Progress.PART;
        Session.Answer answer = session.handle(inbox.header(), inbox.payload(), inbox.fds());
        inbox.clear();
        try (Fd file = answer.file()) {
            if (answer.reply() != null) send(answer.reply(), file);
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
        int[] fds = file == null ? new int[0] : new int[] {file.number()};
        // Front-ends wait for each reply: only for one that lets hundreds pile up there is no room.
        if (socket.trySend(outbox.address(), reply.length, fds) < reply.length)
            throw new VhostUserException(Fault.UNREAD_REPLIES, "it does not read our replies");
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
