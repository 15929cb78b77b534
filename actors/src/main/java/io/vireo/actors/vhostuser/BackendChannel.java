package io.vireo.actors.vhostuser;

import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.Epoll;
import io.vireo.posix.Errno;
import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.BackendLink;
import io.vireo.virtio.vhostuser.BackendRequest;
import io.vireo.virtio.vhostuser.BackendRequests;
import io.vireo.virtio.vhostuser.VhostUserException;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import io.vireo.virtio.vhostuser.VhostUserLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Our own requests to a front-end, on the socket it gave for them. Nothing here waits: what cannot be sent, or not
 * before an answer, is sent when {@link #serve} finds that it can. A front-end that breaks the channel loses it and
 * keeps its disk. Thread: the server's.
 */
final class BackendChannel implements BackendLink, AutoCloseable {
    private static final int REPLY_BYTES = VhostUserLayout.HEADER_BYTES + VhostUserLayout.U64_BYTES;
    private static final int EVENTS_MAX = 16;
    private static final long SOCKET = -1;

    private final RateLimitedLog log;
    private final BackendRequests requests = new BackendRequests();
    /** Of the socket and of each eventfd that is watched, by {@link #token}. */
    private final Epoll epoll = Epoll.create(EVENTS_MAX);
    private final NativeBlock sending = NativeBlock.allocate(REPLY_BYTES, 8);
    private final NativeBlock reply = NativeBlock.allocate(REPLY_BYTES, 8);
    /** Null until the front-end gave one, and after it broke it. */
    private UnixSocket socket;
    private int replyBytes;
    /** A message that is not sent yet; its bytes are in {@link #sending}. */
    private int unsentBytes;

    BackendChannel(RateLimitedLog log) {
        this.log = log;
    }

    /** Readable when there is something for {@link #serve}. */
    Fd fd() {
        return epoll.fd();
    }

    /** Whether the front-end is to hear of a change still, and has not for want of room, or of an answer. */
    boolean isConfigChangePending() {
        return requests.isConfigChangePending();
    }

    /** For another process to go on with; empty when there is no channel. */
    Optional<ChannelState> state() {
        if (socket == null) return Optional.empty();
        return Optional.of(new ChannelState(
                socket.fd(), requests.unanswered(), bytes(sending, unsentBytes), bytes(reply, replyBytes)));
    }

    /** After {@link #connect}: goes on in the middle of what another process has begun. Sends nothing yet. */
    void goOn(ChannelState state) {
        if (state.unsent().length > REPLY_BYTES || state.answer().length >= REPLY_BYTES)
            throw new VhostUserException(Fault.HEADER, "more than a message is under way on the back-end's channel");
        requests.await(state.unanswered());
        Memory.copy(state.unsent(), 0, sending.address(), state.unsent().length);
        unsentBytes = state.unsent().length;
        Memory.copy(state.answer(), 0, reply.address(), state.answer().length);
        replyBytes = state.answer().length;
        if (unsentBytes > 0) epoll.modify(socket.fd(), Epoll.EPOLLIN | Epoll.EPOLLOUT, SOCKET);
    }

    private static byte[] bytes(NativeBlock block, int count) {
        byte[] bytes = new byte[count];
        Memory.copy(block.address(), bytes, 0, count);
        return bytes;
    }

    /** Has a request sent, now or when the front-end is ready for it. */
    void request(BackendRequest request, int vring) {
        requests.add(request, vring);
        send();
    }

    /** Takes what has arrived and sends what can be. */
    void serve() {
        int count = epoll.await(0);
        for (int i = 0; i < count; i++) {
            if (epoll.token(i) == SOCKET) socketReady(epoll.events(i));
            else happened(epoll.token(i));
        }
        send();
    }

    private void happened(long token) {
        // Watched with EPOLLET: there is no need to read the count, and a signal that comes now is another event.
        requests.add(BackendRequest.values()[(int) (token >>> 32)], (int) token);
    }

    private void socketReady(int events) {
        if (socket == null) return;
        if ((events & Epoll.EPOLLOUT) != 0) epoll.modify(socket.fd(), Epoll.EPOLLIN, SOCKET);
        if ((events & ~Epoll.EPOLLOUT) == 0) return;
        try {
            receive();
        } catch (PosixException e) {
            if (e.errno() != Errno.EAGAIN || (events & Epoll.EPOLLERR) != 0) lose(e.getMessage());
        } catch (VhostUserException e) {
            lose(e.getMessage());
        }
    }

    private void receive() {
        List<Fd> fds = new ArrayList<>();
        int count;
        try {
            count = socket.receive(reply.address() + replyBytes, REPLY_BYTES - replyBytes, fds);
        } finally {
            fds.forEach(Fd::close);
        }
        if (count == 0) {
            disconnect();
            return;
        }
        replyBytes += count;
        if (replyBytes < REPLY_BYTES) return;
        replyBytes = 0;
        BackendRequest refused = requests.answered(bytes(reply, REPLY_BYTES));
        if (refused != null) log.warn(System.nanoTime(), "request-refused", "the front-end did not obey {}", refused);
    }

    private void send() {
        while (socket != null && (unsentBytes > 0 || prepare())) {
            try {
                socket.send(sending.address(), unsentBytes);
                unsentBytes = 0;
            } catch (PosixException e) {
                if (e.errno() == Errno.EAGAIN) epoll.modify(socket.fd(), Epoll.EPOLLIN | Epoll.EPOLLOUT, SOCKET);
                else lose(e.getMessage());
                return;
            }
        }
    }

    private boolean prepare() {
        byte[] message = requests.next();
        if (message == null) return false;
        Memory.copy(message, 0, sending.address(), message.length);
        unsentBytes = message.length;
        return true;
    }

    @Override
    public void connect(Fd fd, long protocolFeatures) {
        disconnect();
        try {
            epoll.add(fd, Epoll.EPOLLIN, SOCKET);
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
        socket = UnixSocket.adoptConnected(fd);
        requests.connect(protocolFeatures);
        send();
    }

    @Override
    public void watch(EventFd event, BackendRequest request, int vring) {
        epoll.add(event.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, token(request, vring));
    }

    @Override
    public void forget(EventFd event) {
        epoll.remove(event.fd());
    }

    private static long token(BackendRequest request, int vring) {
        return (long) request.ordinal() << 32 | vring;
    }

    private void lose(String why) {
        log.warn(System.nanoTime(), "backend-channel", "the channel to the front-end is lost: {}", why);
        disconnect();
    }

    /** Gives everything back but the connection, which another process has. */
    void leave() {
        if (socket != null) socket.leave();
        socket = null;
        close();
    }

    private void disconnect() {
        if (socket == null) return;
        epoll.remove(socket.fd());
        socket.close();
        socket = null;
        replyBytes = 0;
        unsentBytes = 0;
    }

    @Override
    public void close() {
        disconnect();
        epoll.close();
        sending.close();
        reply.close();
    }
}
