package io.vireo.actors.monitor;

import akka.actor.typed.ActorRef;
import io.vireo.posix.Epoll;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * A client's socket. It is read a piece at a time, the next one only when the actor has dealt with the one before; what
 * it does not read is kept for it, up to {@value #UNREAD_BYTES_MAX} bytes.
 *
 * <p>Thread: {@link #send}, {@link #readMore} and {@link #hangUp} from any; the rest is the server's.
 */
final class MonitorPeer {
    static final int UNREAD_BYTES_MAX = 4 << 20;
    private static final int PIECE_BYTES = 4096;

    final long token;
    private final MonitorServer server;
    private final UnixSocket socket;
    private final NativeBlock piece = NativeBlock.allocate(PIECE_BYTES, 8);
    private final Deque<byte[]> outbox = new ArrayDeque<>();
    private ActorRef<MonitorConnection.Command> actor;
    /** Of the first in the outbox. */
    private int sentBytes;
    private int unreadBytes;
    private boolean reading = true;
    private boolean ended;

    MonitorPeer(long token, MonitorServer server, UnixSocket socket) {
        this.token = token;
        this.server = server;
        this.socket = socket;
    }

    void send(byte[] line) {
        server.run(() -> queue(line));
    }

    void readMore() {
        server.run(() -> read(true));
    }

    void hangUp() {
        server.run(this::end);
    }

    /** The last line of the monitor's; then the socket is {@code next}'s, who is given null when that is not to be. */
    void leaveAfter(byte[] line, Consumer<UnixSocket> next) {
        server.run(() -> leave(line, next));
    }

    void begin(ActorRef<MonitorConnection.Command> connection) {
        actor = connection;
        server.epoll().add(socket.fd(), events(), token);
    }

    void tell(MonitorConnection.Command message) {
        actor.tell(message);
    }

    void ready(int events) {
        try {
            if ((events & Epoll.EPOLLOUT) != 0) flush();
            if (reading && (events & ~Epoll.EPOLLOUT) != 0) receive();
            // It has hung up, and waits for nothing: what it asked for last is done all the same.
            else if ((events & (Epoll.EPOLLHUP | Epoll.EPOLLERR)) != 0) end();
        } catch (PosixException e) {
            end();
        }
    }

    void end() {
        if (ended) return;
        ended = true;
        server.epoll().remove(socket.fd());
        server.gone(this);
        tell(MonitorConnection.Ended.ENDED);
        socket.close();
        piece.close();
    }

    private void leave(byte[] line, Consumer<UnixSocket> next) {
        queue(line);
        // A client that leaves its answers unread does not get this far.
        if (!ended && !outbox.isEmpty()) end();
        if (ended) {
            next.accept(null);
            return;
        }
        ended = true;
        server.epoll().remove(socket.fd());
        server.gone(this);
        tell(MonitorConnection.Ended.ENDED);
        piece.close();
        next.accept(socket);
    }

    private void receive() {
        List<Fd> fds = new ArrayList<>();
        int count = socket.tryReceive(piece.address(), PIECE_BYTES, fds);
        fds.forEach(Fd::close); // nobody asked for any
        if (count <= 0) { // less: it was called readable for a byte out of band, which no client sends
            end();
            return;
        }
        byte[] bytes = new byte[count];
        Memory.copy(piece.address(), bytes, 0, count);
        read(false);
        tell(new MonitorConnection.Received(bytes));
    }

    private void read(boolean more) {
        if (ended) return;
        reading = more;
        server.epoll().modify(socket.fd(), events(), token);
    }

    private void queue(byte[] line) {
        if (ended) return;
        outbox.add(line);
        unreadBytes += line.length;
        try {
            flush();
        } catch (PosixException e) {
            end();
            return;
        }
        if (unreadBytes > UNREAD_BYTES_MAX) end();
    }

    private void flush() {
        while (!outbox.isEmpty()) {
            byte[] line = outbox.peek();
            int length = Math.min(PIECE_BYTES, line.length - sentBytes);
            Memory.copy(line, sentBytes, piece.address(), length);
            int sent = socket.trySend(piece.address(), length);
            if (sent == 0) break;
            sentBytes += sent;
            unreadBytes -= sent;
            if (sentBytes < line.length) continue;
            outbox.remove();
            sentBytes = 0;
        }
        server.epoll().modify(socket.fd(), events(), token);
    }

    private int events() {
        return (reading ? Epoll.EPOLLIN : 0) | (outbox.isEmpty() ? 0 : Epoll.EPOLLOUT);
    }
}
