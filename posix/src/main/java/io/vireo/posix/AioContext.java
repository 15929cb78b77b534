package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A Linux AIO context: its system calls, and the layouts that they take. Thread: one at a time. */
final class AioContext implements AutoCloseable {
    static final int IOCB_CMD_PREAD = 0;
    static final int IOCB_CMD_PWRITE = 1;
    static final int IOCB_CMD_FSYNC = 2;
    static final int IOCB_CMD_FDSYNC = 3;
    static final int IOCB_CMD_PREADV = 7;
    static final int IOCB_CMD_PWRITEV = 8;
    private static final int IOCB_FLAG_RESFD = 1;

    // struct iocb { u64 aio_data; u32 aio_key; u32 aio_rw_flags; u16 aio_lio_opcode; s16 aio_reqprio; u32 aio_fildes;
    //     u64 aio_buf; u64 aio_nbytes; s64 aio_offset; u64 aio_reserved2; u32 aio_flags; u32 aio_resfd; }
    static final int IOCB_BYTES = 64;
    static final int AIO_DATA = 0;
    static final int AIO_RW_FLAGS = 12;
    private static final int AIO_LIO_OPCODE = 16;
    private static final int AIO_FILDES = 20;
    private static final int AIO_BUF = 24;
    private static final int AIO_NBYTES = 32;
    private static final int AIO_OFFSET = 40;
    private static final int AIO_FLAGS = 56;
    static final int AIO_RESFD = 60;

    // struct aio_ring { u32 id; u32 nr; u32 head; u32 tail; u32 magic; u32 compat; u32 incompat; ... }, in our memory
    private static final int RING_HEAD = 8;
    private static final int RING_TAIL = 12;
    private static final int RING_MAGIC = 16;
    private static final int RING_INCOMPAT = 24;
    private static final int AIO_RING_MAGIC = 0xA10A10A1;

    private static final MethodHandle SYSCALL = Libc.linkVariadic(
            "syscall", 1, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG);
    private static final long SYS_IO_SETUP = Machine.AARCH64 ? 0 : 206;
    private static final long SYS_IO_DESTROY = Machine.AARCH64 ? 1 : 207;
    private static final long SYS_IO_GETEVENTS = Machine.AARCH64 ? 4 : 208;
    private static final long SYS_IO_SUBMIT = Machine.AARCH64 ? 2 : 209;

    private final MemorySegment errno = Arena.ofAuto().allocate(Linker.Option.captureStateLayout());
    private final long context;
    private final boolean ringReadable;

    private AioContext(int depth) {
        try (NativeBlock out = NativeBlock.allocate(8, 8)) {
            long result = call(SYS_IO_SETUP, depth, out.address(), 0, 0, 0);
            if (result < 0) {
                throw new PosixException("io_setup", "for " + depth + " events (sysctl fs.aio-max-nr bounds them)", (int) -result);
            }
            context = Memory.getLong(out.address());
        }
        ringReadable = Memory.getInt(context + RING_MAGIC) == AIO_RING_MAGIC
                && Memory.getInt(context + RING_INCOMPAT) == 0;
    }

    /** @throws PosixException EAGAIN: more than the system allows for all processes together */
    static AioContext open(int depth) {
        return new AioContext(depth);
    }

    /** Writes a struct iocb whose completion counts up an eventfd. */
    static void putIocb(long iocb, int opcode, int fd, long buffer, long count, long offset, int completions) {
        Memory.zero(iocb, IOCB_BYTES);
        Memory.putU16(iocb + AIO_LIO_OPCODE, opcode);
        Memory.putInt(iocb + AIO_FILDES, fd);
        Memory.putLong(iocb + AIO_BUF, buffer);
        Memory.putLong(iocb + AIO_NBYTES, count);
        Memory.putLong(iocb + AIO_OFFSET, offset);
        Memory.putInt(iocb + AIO_FLAGS, IOCB_FLAG_RESFD);
        Memory.putInt(iocb + AIO_RESFD, completions);
    }

    /** io_submit of as many iocbs as {@code pointers} has addresses: how many were taken, or -errno of the first. */
    long submit(int count, long pointers) {
        return call(SYS_IO_SUBMIT, context, count, pointers, 0, 0);
    }

    /** io_getevents, without waiting: how many there are, or -errno. */
    long getEvents(int max, long events) {
        return call(SYS_IO_GETEVENTS, context, 0, max, events, 0);
    }

    /** The kernel keeps its completions in memory of ours, whose head and tail spare a call that would find nothing. */
    boolean isRingEmpty() {
        return ringReadable
                && Memory.getIntAcquire(context + RING_TAIL) == Memory.getIntAcquire(context + RING_HEAD);
    }

    /** False: there is no {@link #forget}. */
    boolean isRingReadable() {
        return ringReadable;
    }

    /** Takes in every completion that is there without a look at it, and without a system call. */
    void forget() {
        Memory.putInt(context + RING_HEAD, Memory.getIntAcquire(context + RING_TAIL));
    }

    /** Waits until the kernel is done with everything in flight. */
    @Override
    public void close() {
        call(SYS_IO_DESTROY, context, 0, 0, 0, 0);
    }

    private long call(long number, long a, long b, long c, long d, long e) {
        try {
            long result = (long) SYSCALL.invokeExact(errno, number, a, b, c, d, e);
            return result < 0 ? -errno.get(Libc.INT, Libc.ERRNO_OFFSET) : result;
        } catch (Throwable thrown) {
            throw Libc.bug(thrown);
        }
    }
}
