package io.vireo.posix;

import java.lang.invoke.MethodHandle;
import java.util.List;

/**
 * The native memory of one sendmsg or recvmsg at a time: {@code struct msghdr} (56 bytes), one {@code struct iovec} and
 * a control block with room for as many descriptors as the kernel puts in one message.
 *
 * <pre>
 * struct msghdr { void *msg_name; u32 msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
 *                 void *msg_control; size_t msg_controllen; int msg_flags; };
 * struct cmsghdr { size_t cmsg_len; int cmsg_level; int cmsg_type; };     followed by the data, aligned to 8
 * </pre>
 */
final class SocketMessage implements AutoCloseable {
    static final int FDS_MAX = 253;

    private static final MethodHandle RECVMSG = Libc.link("recvmsg", Libc.LONG, Libc.INT, Libc.LONG, Libc.INT);
    private static final MethodHandle SENDMSG = Libc.link("sendmsg", Libc.LONG, Libc.INT, Libc.LONG, Libc.INT);

    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int MSG_CONTROL = 32;
    private static final int MSG_CONTROLLEN = 40;
    private static final int MSG_FLAGS = 48;
    private static final int HEADER_BYTES = 56;
    private static final int IOVEC_OFFSET = 56;
    private static final int CONTROL_OFFSET = 72;
    private static final int CMSG_HEADER_BYTES = 16;
    private static final int CONTROL_BYTES = CMSG_HEADER_BYTES + (FDS_MAX * 4 + 7 & -8);

    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CTRUNC = 8;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    private final NativeBlock block = NativeBlock.allocate(CONTROL_OFFSET + CONTROL_BYTES, 8);
    private final long header = block.address();
    private final long control = header + CONTROL_OFFSET;
    private final int waiting;

    /** @param waits false: a call that would have to wait fails with EAGAIN, whatever the descriptor's flags say */
    SocketMessage(boolean waits) {
        waiting = waits ? 0 : MSG_DONTWAIT;
    }

    int receive(int fd, long address, int lengthBytes, List<Fd> fdsOut) {
        return receive(fd, address, lengthBytes, fdsOut, waiting);
    }

    /** -1 when there is nothing. */
    int tryReceive(int fd, long address, int lengthBytes, List<Fd> fdsOut) {
        try {
            return receive(fd, address, lengthBytes, fdsOut, MSG_DONTWAIT);
        } catch (PosixException e) {
            if (e.errno() == Errno.EAGAIN) return -1;
            throw e;
        }
    }

    private int receive(int fd, long address, int lengthBytes, List<Fd> fdsOut, int flags) {
        begin(address, lengthBytes);
        putControl(CONTROL_BYTES);
        long count = retried(RECVMSG, fd, MSG_CMSG_CLOEXEC | flags);
        if (count == -Errno.ECONNRESET) return 0;
        if (count < 0) throw new PosixException("recvmsg", "fd " + fd, (int) -count);
        int before = fdsOut.size();
        takeFds(fdsOut);
        if ((Memory.getInt(header + MSG_FLAGS) & MSG_CTRUNC) != 0) {
            List<Fd> partial = fdsOut.subList(before, fdsOut.size());
            partial.forEach(Fd::close);
            partial.clear();
            throw new PosixException("recvmsg", "fd " + fd + ": descriptors were lost", Errno.EMFILE);
        }
        return (int) count;
    }

    void send(int fd, long address, int lengthBytes, int[] fds) {
        if (fds.length > FDS_MAX) throw new IllegalArgumentException("fds=" + fds.length);
        int done = 0;
        do {
            begin(address + done, lengthBytes - done);
            if (done == 0 && fds.length > 0) putFds(fds);
            long count = retried(SENDMSG, fd, MSG_NOSIGNAL | waiting);
            if (count < 0) throw new PosixException("sendmsg", "fd " + fd, (int) -count);
            done += (int) count;
        } while (done < lengthBytes);
    }

    /** Bytes that the socket took at once; 0 when it has no room. */
    int trySend(int fd, long address, int lengthBytes, int[] fds) {
        if (fds.length > FDS_MAX) throw new IllegalArgumentException("fds=" + fds.length);
        begin(address, lengthBytes);
        if (fds.length > 0) putFds(fds);
        long count = retried(SENDMSG, fd, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count == -Errno.EAGAIN) return 0;
        if (count < 0) throw new PosixException("sendmsg", "fd " + fd, (int) -count);
        return (int) count;
    }

    @Override
    public void close() {
        block.close();
    }

    private void begin(long address, int lengthBytes) {
        Memory.zero(header, HEADER_BYTES);
        Memory.putLong(header + MSG_IOV, header + IOVEC_OFFSET);
        Memory.putLong(header + MSG_IOVLEN, 1);
        Memory.putLong(header + IOVEC_OFFSET, address);
        Memory.putLong(header + IOVEC_OFFSET + 8, lengthBytes);
    }

    private void putControl(int lengthBytes) {
        Memory.putLong(header + MSG_CONTROL, control);
        Memory.putLong(header + MSG_CONTROLLEN, lengthBytes);
    }

    private void putFds(int[] fds) {
        Memory.putLong(control, CMSG_HEADER_BYTES + 4L * fds.length);
        Memory.putInt(control + 8, SOL_SOCKET);
        Memory.putInt(control + 12, SCM_RIGHTS);
        for (int i = 0; i < fds.length; i++) Memory.putInt(control + CMSG_HEADER_BYTES + 4L * i, fds[i]);
        putControl(CMSG_HEADER_BYTES + (fds.length * 4 + 7 & -8));
    }

    /** The kernel wrote this block, not the peer, so its lengths can be relied upon. */
    private void takeFds(List<Fd> fdsOut) {
        long end = control + Memory.getLong(header + MSG_CONTROLLEN);
        long at = control;
        while (end - at >= CMSG_HEADER_BYTES) {
            long lengthBytes = Memory.getLong(at);
            if (lengthBytes < CMSG_HEADER_BYTES) return;
            if (Memory.getInt(at + 8) == SOL_SOCKET && Memory.getInt(at + 12) == SCM_RIGHTS) {
                for (long fd = at + CMSG_HEADER_BYTES; fd + 4 <= at + lengthBytes; fd += 4) {
                    fdsOut.add(Fd.owning(Memory.getInt(fd)));
                }
            }
            at += lengthBytes + 7 & -8;
        }
    }

    /** The call's result or -errno, made again when a signal came in between. */
    private long retried(MethodHandle call, int fd, int flags) {
        try {
            while (true) {
                long result = (long) call.invokeExact(Libc.errnoSegment(), fd, header, flags);
                if (result >= 0) return result;
                int errno = Libc.errno();
                if (errno != Errno.EINTR) return -errno;
            }
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
