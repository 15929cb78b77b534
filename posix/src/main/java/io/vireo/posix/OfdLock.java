package io.vireo.posix;

import java.lang.invoke.MethodHandle;

/**
 * Advisory locks on byte ranges that belong to an open file description (F_OFD_SETLK): they exclude other opens of the
 * file, in this process too, and go with the last descriptor of theirs. By raw fcntl, since jnr-posix passes no
 * {@code struct flock}. A file system without locks throws {@link PosixException}.
 */
public final class OfdLock {
    /** Of {@link #holder}: nobody holds a lock in the way. */
    public static final long NOBODY = 0;
    /** Of {@link #holder}: an open file description does, and those have no process to be named. */
    public static final long UNKNOWN = -1;

    private static final MethodHandle FCNTL =
            Libc.linkVariadic("fcntl", 2, Libc.INT, Libc.INT, Libc.INT, Libc.LONG);
    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final int F_RDLCK = 0;
    private static final int F_WRLCK = 1;
    private static final int F_UNLCK = 2;

    // struct flock { short l_type; short l_whence; off_t l_start; off_t l_len; pid_t l_pid; }, whence SEEK_SET = 0
    private static final int TYPE = 0;
    private static final int START = 8;
    private static final int LENGTH = 16;
    private static final int PID = 24;
    private static final int FLOCK_BYTES = 32;

    private OfdLock() {}

    /**
     * Locks a range, or changes the lock held on it, without waiting.
     *
     * @param length 0 reaches to the end of the file, however far that moves
     * @param exclusive wants {@code fd} open for writing, a shared lock wants it open for reading
     * @return false when a lock of another open is in the way
     */
    public static boolean tryLock(Fd fd, long start, long length, boolean exclusive) {
        try (NativeBlock flock = flock(exclusive ? F_WRLCK : F_RDLCK, start, length)) {
            int errno = fcntl(fd, F_OFD_SETLK, flock);
            if (errno == Errno.EAGAIN || errno == Errno.EACCES) return false;
            if (errno != 0) throw new PosixException("fcntl(F_OFD_SETLK)", fd.toString(), errno);
            return true;
        }
    }

    public static void unlock(Fd fd, long start, long length) {
        try (NativeBlock flock = flock(F_UNLCK, start, length)) {
            int errno = fcntl(fd, F_OFD_SETLK, flock);
            if (errno != 0) throw new PosixException("fcntl(F_OFD_SETLK)", fd.toString(), errno);
        }
    }

    /** Whether another open holds any lock, shared or exclusive, in the range. */
    public static boolean isHeldByOther(Fd fd, long start, long length) {
        return holder(fd, start, length, true) != NOBODY;
    }

    /** Who would be in the way of such a lock: a pid, UNKNOWN, or NOBODY. */
    public static long holder(Fd fd, long start, long length, boolean exclusive) {
        try (NativeBlock flock = flock(exclusive ? F_WRLCK : F_RDLCK, start, length)) {
            int errno = fcntl(fd, F_OFD_GETLK, flock);
            if (errno != 0) throw new PosixException("fcntl(F_OFD_GETLK)", fd.toString(), errno);
            if (Memory.getU16(flock.address() + TYPE) == F_UNLCK) return NOBODY;
            int pid = Memory.getInt(flock.address() + PID);
            return pid > 0 ? pid : UNKNOWN;
        }
    }

    private static NativeBlock flock(int type, long start, long length) {
        NativeBlock flock = NativeBlock.allocate(FLOCK_BYTES, 8);
        Memory.putU16(flock.address() + TYPE, type);
        Memory.putLong(flock.address() + START, start);
        Memory.putLong(flock.address() + LENGTH, length);
        return flock;
    }

    private static int fcntl(Fd fd, int command, NativeBlock flock) {
        try {
            int result = (int) FCNTL.invokeExact(Libc.errnoSegment(), fd.number(), command, flock.address());
            return result < 0 ? Libc.errno() : 0;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
