package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Naming, joining and questioning UNIX sockets: the calls of {@link UnixSocket} that carry no data. */
final class SocketAddress {
    private static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;

    private static final MethodHandle SOCKET = Libc.link("socket", Libc.INT, Libc.INT, Libc.INT, Libc.INT);
    private static final MethodHandle BIND = Libc.link("bind", Libc.INT, Libc.INT, Libc.LONG, Libc.INT);
    private static final MethodHandle CONNECT = Libc.link("connect", Libc.INT, Libc.INT, Libc.LONG, Libc.INT);
    private static final MethodHandle GETSOCKOPT =
            Libc.link("getsockopt", Libc.INT, Libc.INT, Libc.INT, Libc.INT, Libc.LONG, Libc.LONG);
    private static final MethodHandle FCNTL = Libc.linkVariadic("fcntl", 2, Libc.INT, Libc.INT, Libc.INT, Libc.INT);

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_TYPE = 3;
    private static final int SO_PEERCRED = 17;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_DOMAIN = 39;
    private static final int F_SETFD = 2;
    private static final int FD_CLOEXEC = 1;
    /** struct sockaddr_un { u16 sun_family; char sun_path[108]; }, the path with its terminating zero. */
    private static final int ADDRESS_BYTES = 110;
    private static final int PATH_OFFSET = 2;
    private static final int PATH_BYTES_MAX = 107;

    private SocketAddress() {}

    static Fd socket() {
        return socket(SOCK_STREAM | SOCK_CLOEXEC);
    }

    static Fd nonBlockingSocket() {
        return socket(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
    }

    private static Fd socket(int type) {
        try {
            int number = (int) SOCKET.invokeExact(Libc.errnoSegment(), AF_UNIX, type, 0);
            return Fd.owning(Libc.check("socket", "", number));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    static void bind(Fd fd, Path path) {
        name("bind", BIND, fd, path);
    }

    static void connect(Fd fd, Path path) {
        name("connect", CONNECT, fd, path);
    }

    /** Null when it is a listening UNIX stream socket, else what it is not. */
    static String whyNotListening(Fd fd) {
        try {
            if (option(fd, SO_DOMAIN) != AF_UNIX || option(fd, SO_TYPE) != SOCK_STREAM) return "is no UNIX stream socket";
            return option(fd, SO_ACCEPTCONN) == 0 ? "is a socket that does not listen" : null;
        } catch (PosixException e) {
            return "is no socket";
        }
    }

    /** Null when it is a UNIX stream socket that does not listen, else what it is not. */
    static String whyNotConnected(Fd fd) {
        try {
            if (option(fd, SO_DOMAIN) != AF_UNIX || option(fd, SO_TYPE) != SOCK_STREAM) return "is no UNIX stream socket";
            return option(fd, SO_ACCEPTCONN) != 0 ? "is a socket that listens" : null;
        } catch (PosixException e) {
            return "is no socket";
        }
    }

    static void closeOnExec(Fd fd) {
        try {
            Libc.check("fcntl(F_SETFD)", fd.toString(),
                    (int) FCNTL.invokeExact(Libc.errnoSegment(), fd.number(), F_SETFD, FD_CLOEXEC));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    static PeerCredentials peer(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(12, 4); // struct ucred { pid, uid, gid }
            option(fd, SO_PEERCRED, credentials, arena);
            return new PeerCredentials(
                    credentials.get(Libc.INT, 0), credentials.get(Libc.INT, 4), credentials.get(Libc.INT, 8));
        }
    }

    private static void name(String call, MethodHandle handle, Fd fd, Path path) {
        byte[] text = path.toString().getBytes(StandardCharsets.UTF_8);
        if (text.length > PATH_BYTES_MAX) {
            throw new PosixException(call, path + " (" + text.length + " bytes, a socket's path has at most "
                    + PATH_BYTES_MAX + ")", Errno.ENAMETOOLONG);
        }
        try (NativeBlock address = NativeBlock.allocate(ADDRESS_BYTES, 8)) {
            Memory.putU16(address.address(), AF_UNIX);
            Memory.copy(text, 0, address.address() + PATH_OFFSET, text.length);
            int result;
            do {
                result = (int) handle.invokeExact(Libc.errnoSegment(), fd.number(), address.address(), ADDRESS_BYTES);
            } while (result < 0 && Libc.errno() == Errno.EINTR);
            Libc.check(call, path.toString(), result);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    private static int option(Fd fd, int option) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(4, 4);
            option(fd, option, value, arena);
            return value.get(Libc.INT, 0);
        }
    }

    private static void option(Fd fd, int option, MemorySegment value, Arena arena) {
        MemorySegment size = arena.allocate(4, 4);
        size.set(Libc.INT, 0, (int) value.byteSize());
        try {
            Libc.check("getsockopt", fd.toString(), (int) GETSOCKOPT.invokeExact(
                    Libc.errnoSegment(), fd.number(), SOL_SOCKET, option, value.address(), size.address()));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
