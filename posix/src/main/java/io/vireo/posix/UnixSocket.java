package io.vireo.posix;

import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;

/**
 * A stream socket of the UNIX domain, listening or connected, that passes descriptors (SCM_RIGHTS).
 *
 * <p>Calls block. One thread at a time accepts or receives and one sends; {@link #shutdown} and {@link #close} may come
 * from any other and end their waiting. The descriptor itself goes only when the last call on it has returned, so that
 * a number taken again meanwhile is never read from.
 *
 * <p>The calls are made through {@code java.lang.foreign}: jnr-posix knows neither socket, bind nor accept, and its
 * message header is allocated for each call, takes NIO buffers instead of addresses, and steps from one control message
 * to the next by a length that counts its header twice, so that descriptors in a second one are lost.
 */
public final class UnixSocket implements AutoCloseable {
    /** The kernel's own limit on descriptors in one message (SCM_MAX_FD). */
    public static final int FDS_MAX = SocketMessage.FDS_MAX;

    private static final MethodHandle LISTEN = Libc.link("listen", Libc.INT, Libc.INT, Libc.INT);
    private static final MethodHandle ACCEPT4 =
            Libc.link("accept4", Libc.INT, Libc.INT, Libc.LONG, Libc.LONG, Libc.INT);
    private static final MethodHandle SHUTDOWN = Libc.link("shutdown", Libc.INT, Libc.INT, Libc.INT);
    private static final MethodHandle POLL = Libc.link("poll", Libc.INT, Libc.LONG, Libc.LONG, Libc.INT);
    /**
     * The number that a listening socket's descriptor has at least. The files of a process that dies end from the highest
     * number down, so its listeners are gone when its connections hang up: whoever connects again at once is refused, and
     * tries once more, instead of waiting in the queue of the dead.
     */
    private static final int LISTENING_FROM = 1000;
    private static final int SHUT_RDWR = 2;
    private static final int POLLIN = 1;
    private static final int POLLFD_BYTES = 8;

    private final Fd fd;
    /** Wakes accept; null on a connection, where shutdown(2) does that. */
    private final EventFd wake;
    private final SocketMessage received;
    private final SocketMessage sent;
    private int callsInside;
    private boolean shutDown;
    private boolean closing;

    private UnixSocket(Fd fd, EventFd wake) {
        this(fd, wake, true);
    }

    private UnixSocket(Fd fd, EventFd wake, boolean waits) {
        this.fd = fd;
        this.wake = wake;
        received = new SocketMessage(waits);
        sent = new SocketMessage(waits);
    }

    /**
     * Makes the socket file. Nobody can connect before {@link #listen(int)}, which leaves time to set owner and mode.
     *
     * @throws PosixException EADDRINUSE: there is a file of that name, ENAMETOOLONG: over 107 bytes
     */
    public static UnixSocket bind(Path path) {
        Fd fd = renumbered(SocketAddress.socket());
        try {
            SocketAddress.bind(fd, path);
            return new UnixSocket(fd, EventFd.create());
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }

    /** {@link #bind} and {@link #listen(int)} in one, with the permissions that the umask leaves. */
    public static UnixSocket listen(Path path, int backlog) {
        UnixSocket socket = bind(path);
        try {
            socket.listen(backlog);
            return socket;
        } catch (PosixException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Takes over a listening socket that came from elsewhere.
     *
     * @throws IllegalArgumentException it is no listening UNIX stream socket; the descriptor stays the caller's
     */
    public static UnixSocket adoptListening(Fd fd) {
        String wrong = SocketAddress.whyNotListening(fd);
        if (wrong != null) throw new IllegalArgumentException(fd + " " + wrong);
        SocketAddress.closeOnExec(fd);
        return new UnixSocket(renumbered(fd), EventFd.create());
    }

    /**
     * Takes over a connected socket that came from elsewhere. Its calls never wait: they fail with EAGAIN, also when
     * whoever shares the socket makes it a blocking one.
     */
    public static UnixSocket adoptConnected(Fd fd) {
        return new UnixSocket(fd, null, false);
    }

    /** Null when a descriptor is a UNIX stream socket that may be connected; else what is wrong with it, as in "is no socket". */
    public static String whyNotConnected(Fd fd) {
        return SocketAddress.whyNotConnected(fd);
    }

    /**
     * Connects without waiting for a place in the listener's queue; nor do the socket's later calls wait.
     *
     * @throws PosixException EAGAIN: there is no place now, ECONNREFUSED, ENOENT: nobody listens
     */
    public static UnixSocket connectNow(Path path) {
        Fd fd = SocketAddress.nonBlockingSocket();
        try {
            SocketAddress.connect(fd, path);
            return new UnixSocket(fd, null, false);
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }

    public static UnixSocket connect(Path path) {
        Fd fd = SocketAddress.socket();
        try {
            SocketAddress.connect(fd, path);
            return new UnixSocket(fd, null);
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }

    public Fd fd() {
        return fd;
    }

    /** Lets front-ends connect to a socket that was only bound so far. */
    public void listen(int backlog) {
        try {
            Libc.check("listen", fd.toString(), (int) LISTEN.invokeExact(Libc.errnoSegment(), fd.number(), backlog));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    /**
     * Waits for the next connection.
     *
     * @return null once {@link #shutdown} or {@link #close} was called
     */
    public UnixSocket accept() {
        if (!enter()) return null;
        try (NativeBlock polled = NativeBlock.allocate(2 * POLLFD_BYTES, 8)) {
            putPollFd(polled.address(), fd);
            putPollFd(polled.address() + POLLFD_BYTES, wake.fd());
            while (true) {
                int ready = (int) POLL.invokeExact(Libc.errnoSegment(), polled.address(), 2L, -1);
                if (ready < 0 && Libc.errno() != Errno.EINTR) throw new PosixException("poll", fd.toString(), Libc.errno());
                if (isShutDown()) return null;
                if (ready <= 0) continue;
                int accepted = (int) ACCEPT4.invokeExact(
                        Libc.errnoSegment(), fd.number(), 0L, 0L, SocketAddress.SOCK_CLOEXEC);
                if (accepted >= 0) return new UnixSocket(Fd.owning(accepted), null);
                int errno = Libc.errno();
                // The client may have gone again, or another process that shares the socket was faster.
                if (errno != Errno.EINTR && errno != Errno.EAGAIN && errno != Errno.ECONNABORTED) {
                    throw new PosixException("accept4", fd.toString(), errno);
                }
            }
        } catch (Throwable e) {
            throw Libc.bug(e);
        } finally {
            exit();
        }
    }

    public PeerCredentials peer() {
        return SocketAddress.peer(fd);
    }

    /**
     * One recvmsg(2): waits for at least one byte and never crosses into a message that carries other descriptors.
     * Descriptors that came along are appended to {@code fdsOut}, close-on-exec, and belong to the caller.
     *
     * @return bytes received, 0 at the end of the stream, which a reset or {@link #shutdown} also is
     * @throws PosixException EMFILE: descriptors were lost for want of room in our table; those of this message that
     *     did arrive are closed again
     */
    public int receive(long address, int lengthBytes, List<Fd> fdsOut) {
        if (!enter()) return 0;
        try {
            return received.receive(fd.number(), address, lengthBytes, fdsOut);
        } finally {
            exit();
        }
    }

    /**
     * As {@link #receive}, without waiting.
     *
     * @return also -1: there is nothing to receive, whatever poll(2) says. A byte out of band can make it say so
     */
    public int tryReceive(long address, int lengthBytes, List<Fd> fdsOut) {
        if (!enter()) return 0;
        try {
            return received.tryReceive(fd.number(), address, lengthBytes, fdsOut);
        } finally {
            exit();
        }
    }

    /**
     * Receives exactly {@code lengthBytes} unless the stream ends before.
     *
     * @return bytes received: fewer only at the end of the stream, 0 when nothing was begun
     * @throws PosixException EMFILE: as {@link #receive}, or more than {@link #FDS_MAX} descriptors in {@code fdsOut},
     *     which stay there for the caller to close
     */
    public int receiveFully(long address, int lengthBytes, List<Fd> fdsOut) {
        int done = 0;
        while (done < lengthBytes) {
            int count = receive(address + done, lengthBytes - done, fdsOut);
            if (count == 0) return done;
            done += count;
            // One per byte would otherwise fill our table while each message alone is within bounds.
            if (fdsOut.size() > FDS_MAX) throw new PosixException("recvmsg", fdsOut.size() + " fds", Errno.EMFILE);
        }
        return done;
    }

    /**
     * Sends all of it; the descriptors travel with the first byte and stay the caller's.
     *
     * @throws PosixException EPIPE: the other side is gone or this one was shut down
     */
    public void send(long address, int lengthBytes, int... fds) {
        if (!enter()) throw new PosixException("sendmsg", fd.toString(), Errno.EPIPE);
        try {
            sent.send(fd.number(), address, lengthBytes, fds);
        } finally {
            exit();
        }
    }

    /**
     * Sends what there is room for, without waiting for the other side to read; the descriptors travel with the first byte
     * and stay the caller's.
     *
     * @return bytes sent; 0 when there is no room
     * @throws PosixException EPIPE: the other side is gone or this one was shut down
     */
    public int trySend(long address, int lengthBytes, int... fds) {
        if (!enter()) throw new PosixException("sendmsg", fd.toString(), Errno.EPIPE);
        try {
            return sent.trySend(fd.number(), address, lengthBytes, fds);
        } finally {
            exit();
        }
    }

    /** Ends the connection, or the accepting, for both directions: whoever waits in a call here returns. */
    public void shutdown() {
        synchronized (this) {
            if (shutDown) return;
            shutDown = true;
            // A listening socket may be shared with whoever gave it to us, and is theirs to end.
            if (wake != null) wake.signal();
            else shutdownConnection();
        }
    }

    @Override
    public void close() {
        shutdown();
        closeWhenUnused();
    }

    /** As {@link #close}, but that the connection goes on for whoever has another descriptor of it. Nobody is inside a call. */
    public void leave() {
        synchronized (this) {
            shutDown = true;
        }
        closeWhenUnused();
    }

    private synchronized void closeWhenUnused() {
        closing = true;
        if (callsInside == 0) closeDescriptors();
    }

    private static Fd renumbered(Fd fd) {
        try {
            Fd high = fd.duplicateFrom(LISTENING_FROM);
            fd.close();
            return high;
        } catch (PosixException e) {
            // A process that may have only a few descriptors has this one among them.
            return fd;
        }
    }

    private void shutdownConnection() {
        try {
            int ignored = (int) SHUTDOWN.invokeExact(Libc.errnoSegment(), fd.number(), SHUT_RDWR);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    private synchronized boolean isShutDown() {
        return shutDown;
    }

    private synchronized boolean enter() {
        if (shutDown) return false;
        callsInside++;
        return true;
    }

    private synchronized void exit() {
        callsInside--;
        if (closing && callsInside == 0) closeDescriptors();
    }

    private void closeDescriptors() {
        fd.close();
        if (wake != null) wake.close();
        received.close();
        sent.close();
    }

    private static void putPollFd(long address, Fd fd) {
        Memory.putInt(address, fd.number());
        Memory.putU16(address + 4, POLLIN);
    }
}
