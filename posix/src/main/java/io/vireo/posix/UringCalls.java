package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The three system calls of io_uring, for the package that builds rings on them. Results are as the kernel gives them:
 * a number, or -errno. An instance has its own place for errno and so belongs to one thread at a time, but spares the
 * look-up of a thread local on every call.
 */
public final class UringCalls {
    /** The same numbers on x86-64 and aarch64; glibc has no functions for them. */
    private static final long SYS_IO_URING_SETUP = 425;
    private static final long SYS_IO_URING_ENTER = 426;
    private static final long SYS_IO_URING_REGISTER = 427;

    private static final MethodHandle SYSCALL = Libc.linkVariadic(
            "syscall", 1, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG);

    private final MemorySegment errno = Arena.ofAuto().allocate(Linker.Option.captureStateLayout());

    /** @param params address of a struct io_uring_params, read and filled in */
    public int setup(int entries, long params) {
        return call(SYS_IO_URING_SETUP, entries, params, 0, 0, 0, 0);
    }

    public int enter(int ring, int toSubmit, int minComplete, int flags, long argument, long argumentBytes) {
        return call(SYS_IO_URING_ENTER, ring, toSubmit, minComplete, flags, argument, argumentBytes);
    }

    public int register(int ring, int operation, long argument, int count) {
        return call(SYS_IO_URING_REGISTER, ring, operation, argument, count, 0, 0);
    }

    private int call(long number, long a, long b, long c, long d, long e, long f) {
        try {
            long result = (long) SYSCALL.invokeExact(errno, number, a, b, c, d, e, f);
            return result < 0 ? -errno.get(Libc.INT, Libc.ERRNO_OFFSET) : (int) result;
        } catch (Throwable thrown) {
            throw Libc.bug(thrown);
        }
    }
}
