package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Linux AIO (io_submit): asynchronous for files opened with O_DIRECT, blocking in {@link #submit} for others.
 *
 * <p>The caller owns {@code depth} slots, numbered from 0, and prepares an operation in a free one; the slot is the
 * kernel's until {@link #reap} names it, and so are iovec array and buffers. Completions also count up the eventfd that
 * was given, so that an event loop wakes. Nothing allocates between open and close. Thread: one at a time.
 */
public final class LinuxAio implements AutoCloseable {
    /** Told of one completion, inside {@link #reap}; it may prepare into the slot again, and does not throw. */
    @FunctionalInterface
    public interface Handler {
        /** @param result a count or -errno */
        void completed(int slot, long result);
    }

    private static final MethodHandle SYSCALL = Libc.linkVariadic(
            "syscall", 1, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG);
    private static final long SYS_IO_SETUP = Machine.AARCH64 ? 0 : 206;
    private static final long SYS_IO_DESTROY = Machine.AARCH64 ? 1 : 207;
    private static final long SYS_IO_GETEVENTS = Machine.AARCH64 ? 4 : 208;
    private static final long SYS_IO_SUBMIT = Machine.AARCH64 ? 2 : 209;

    private static final int IOCB_CMD_PREAD = 0;
    private static final int IOCB_CMD_PWRITE = 1;
    private static final int IOCB_CMD_FSYNC = 2;
    private static final int IOCB_CMD_FDSYNC = 3;
    private static final int IOCB_CMD_PREADV = 7;
    private static final int IOCB_CMD_PWRITEV = 8;
    private static final int IOCB_FLAG_RESFD = 1;

    // struct iocb { u64 aio_data; u32 aio_key; u32 aio_rw_flags; u16 aio_lio_opcode; s16 aio_reqprio; u32 aio_fildes;
    //     u64 aio_buf; u64 aio_nbytes; s64 aio_offset; u64 aio_reserved2; u32 aio_flags; u32 aio_resfd; }
    private static final int IOCB_BYTES = 64;
    private static final int AIO_DATA = 0;
    private static final int AIO_RW_FLAGS = 12;
    private static final int AIO_LIO_OPCODE = 16;
    private static final int AIO_FILDES = 20;
    private static final int AIO_BUF = 24;
    private static final int AIO_NBYTES = 32;
    private static final int AIO_OFFSET = 40;
    private static final int AIO_FLAGS = 56;
    private static final int AIO_RESFD = 60;

    // struct io_event { u64 data; u64 obj; s64 res; s64 res2; }
    private static final int EVENT_BYTES = 32;
    private static final int EVENT_DATA = 0;
    private static final int EVENT_RES = 16;
    private static final int EVENTS_PER_CALL = 64;

    // struct aio_ring { u32 id; u32 nr; u32 head; u32 tail; u32 magic; u32 compat; u32 incompat; ... }, in our memory
    private static final int RING_HEAD = 8;
    private static final int RING_TAIL = 12;
    private static final int RING_MAGIC = 16;
    private static final int RING_INCOMPAT = 24;
    private static final int AIO_RING_MAGIC = 0xA10A10A1;

    private final MemorySegment errno = Arena.ofAuto().allocate(Linker.Option.captureStateLayout());
    private final EventFd completions;
    private final int depth;
    private final NativeBlock block;
    private final long iocbs;
    private final long pointers;
    private final long events;
    private final long context;
    private final boolean ringReadable;
    /** Slots that io_submit refused, and why, until the next reap tells. */
    private final int[] refusedSlots;
    private final int[] refusedErrnos;
    private int refused;
    private int pending;
    private int inFlight;
    private boolean closed;

    private LinuxAio(int depth, EventFd completions) {
        this.depth = depth;
        this.completions = completions;
        refusedSlots = new int[depth];
        refusedErrnos = new int[depth];
        block = NativeBlock.allocate((long) depth * (IOCB_BYTES + 8) + EVENTS_PER_CALL * EVENT_BYTES + 8, 64);
        iocbs = block.address();
        pointers = iocbs + (long) depth * IOCB_BYTES;
        events = pointers + depth * 8L;
        long out = events + EVENTS_PER_CALL * EVENT_BYTES;
        long result = call(SYS_IO_SETUP, depth, out, 0, 0, 0);
        if (result < 0) {
            block.close();
            throw new PosixException("io_setup", "for " + depth + " events (sysctl fs.aio-max-nr bounds them)", (int) -result);
        }
        context = Memory.getLong(out);
        ringReadable = Memory.getInt(context + RING_MAGIC) == AIO_RING_MAGIC
                && Memory.getInt(context + RING_INCOMPAT) == 0;
    }

    /**
     * @param depth how many operations can be in flight
     * @param completions counted up by each completion; stays the caller's and open while this is
     * @throws PosixException EAGAIN: more than the system allows for all processes together
     */
    public static LinuxAio open(int depth, EventFd completions) {
        if (depth < 1) throw new IllegalArgumentException("depth=" + depth);
        return new LinuxAio(depth, completions);
    }

    /** @param iov address of {@code count} iovecs, which stay as they are until completion */
    public void pread(int slot, int fd, long address, int lengthBytes, long offset, int rwFlags) {
        prepare(slot, IOCB_CMD_PREAD, fd, address, lengthBytes, offset, rwFlags);
    }

    public void pwrite(int slot, int fd, long address, int lengthBytes, long offset, int rwFlags) {
        prepare(slot, IOCB_CMD_PWRITE, fd, address, lengthBytes, offset, rwFlags);
    }

    public void preadv(int slot, int fd, long iov, int count, long offset, int rwFlags) {
        prepare(slot, IOCB_CMD_PREADV, fd, iov, count, offset, rwFlags);
    }

    public void pwritev(int slot, int fd, long iov, int count, long offset, int rwFlags) {
        prepare(slot, IOCB_CMD_PWRITEV, fd, iov, count, offset, rwFlags);
    }

    /** Completes with -EINVAL before Linux 4.18. It waits for nothing: only writes completed before are covered. */
    public void fsync(int slot, int fd, boolean datasync) {
        prepare(slot, datasync ? IOCB_CMD_FDSYNC : IOCB_CMD_FSYNC, fd, 0, 0, 0, 0);
    }

    /** Operations prepared and not yet taken by the kernel. */
    public int pending() {
        return pending;
    }

    /** Operations taken or refused by the kernel and not reaped. */
    public int inFlight() {
        return inFlight + refused;
    }

    /**
     * Hands everything pending to the kernel. What it has no resources for (EAGAIN) stays pending; what it refuses
     * completes with the error at the next reap, and the eventfd counts that too.
     *
     * @return how many operations it took or refused
     */
    public int submit() {
        open();
        int done = 0;
        int refusedBefore = refused;
        while (done < pending) {
            long result = call(SYS_IO_SUBMIT, context, pending - done, pointers + done * 8L, 0, 0);
            if (result > 0) {
                inFlight += (int) result;
                done += (int) result;
            } else if (result == 0 || result == -Errno.EAGAIN) {
                break;
            } else if (result != -Errno.EINTR) {
                // The error is the first one's; those behind it were not looked at.
                refuse(Memory.getLong(pointers + done * 8L), (int) -result);
                done++;
            }
        }
        if (done > 0) Memory.copy(pointers + done * 8L, pointers, (pending - done) * 8L);
        pending -= done;
        if (refused > refusedBefore) completions.signal();
        return done;
    }

    /**
     * Takes in what is done, without waiting and, when nothing is, without a system call.
     *
     * @return how many completions {@code handler} was told of
     */
    public int reap(Handler handler) {
        open();
        int total = reapRefused(handler);
        while (inFlight > 0 && !isRingEmpty()) {
            long count = call(SYS_IO_GETEVENTS, context, 0, EVENTS_PER_CALL, events, 0);
            if (count == -Errno.EINTR) continue;
            if (count < 0) throw new PosixException("io_getevents", "", (int) -count);
            inFlight -= (int) count;
            for (int i = 0; i < count; i++) {
                long event = events + (long) i * EVENT_BYTES;
                handler.completed((int) Memory.getLong(event + EVENT_DATA), Memory.getLong(event + EVENT_RES));
            }
            total += (int) count;
            if (count < EVENTS_PER_CALL) break;
        }
        return total;
    }

    /** Waits until the kernel is done with everything in flight; buffers may go afterwards. */
    @Override
    public void close() {
        if (closed) return;
        closed = true;
        call(SYS_IO_DESTROY, context, 0, 0, 0, 0);
        block.close();
    }

    private void prepare(int slot, int opcode, int fd, long iov, int count, long offset, int rwFlags) {
        open();
        if (slot < 0 || slot >= depth || pending == depth) throw new IllegalArgumentException("slot=" + slot);
        long iocb = iocbs + (long) slot * IOCB_BYTES;
        Memory.zero(iocb, IOCB_BYTES);
        Memory.putLong(iocb + AIO_DATA, slot);
        Memory.putInt(iocb + AIO_RW_FLAGS, rwFlags);
        Memory.putU16(iocb + AIO_LIO_OPCODE, opcode);
        Memory.putInt(iocb + AIO_FILDES, fd);
        Memory.putLong(iocb + AIO_BUF, iov);
        Memory.putLong(iocb + AIO_NBYTES, count);
        Memory.putLong(iocb + AIO_OFFSET, offset);
        Memory.putInt(iocb + AIO_FLAGS, IOCB_FLAG_RESFD);
        Memory.putInt(iocb + AIO_RESFD, completions.fd().number());
        Memory.putLong(pointers + pending * 8L, iocb);
        pending++;
    }

    private void refuse(long iocb, int errorNumber) {
        refusedSlots[refused] = (int) ((iocb - iocbs) / IOCB_BYTES);
        refusedErrnos[refused++] = errorNumber;
    }

    private int reapRefused(Handler handler) {
        int count = refused;
        // From the end, each one off the list before its handler, which may prepare and submit the slot again.
        for (int i = 0; i < count; i++) {
            refused--;
            handler.completed(refusedSlots[refused], -refusedErrnos[refused]);
        }
        return count;
    }

    /** The kernel keeps its completions in memory of ours, whose head and tail spare a call that would find nothing. */
    private boolean isRingEmpty() {
        return ringReadable
                && Memory.getIntAcquire(context + RING_TAIL) == Memory.getIntAcquire(context + RING_HEAD);
    }

    private long call(long number, long a, long b, long c, long d, long e) {
        try {
            long result = (long) SYSCALL.invokeExact(errno, number, a, b, c, d, e);
            return result < 0 ? -errno.get(Libc.INT, Libc.ERRNO_OFFSET) : result;
        } catch (Throwable thrown) {
            throw Libc.bug(thrown);
        }
    }

    private void open() {
        if (closed) throw new IllegalStateException("aio context is closed");
    }
}
