package io.vireo.posix;


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

    // struct io_event { u64 data; u64 obj; s64 res; s64 res2; }
    private static final int EVENT_BYTES = 32;
    private static final int EVENT_DATA = 0;
    private static final int EVENT_RES = 16;
    private static final int EVENTS_PER_CALL = 64;

    private final EventFd completions;
    private final int depth;
    private final NativeBlock block;
    private final long iocbs;
    private final long pointers;
    private final long events;
    private final AioContext context;
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
        block = NativeBlock.allocate((long) depth * (AioContext.IOCB_BYTES + 8) + EVENTS_PER_CALL * EVENT_BYTES, 64);
        iocbs = block.address();
        pointers = iocbs + (long) depth * AioContext.IOCB_BYTES;
        events = pointers + depth * 8L;
        try {
            context = AioContext.open(depth);
        } catch (PosixException e) {
            block.close();
            throw e;
        }
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
        prepare(slot, AioContext.IOCB_CMD_PREAD, fd, address, lengthBytes, offset, rwFlags);
    }

    public void pwrite(int slot, int fd, long address, int lengthBytes, long offset, int rwFlags) {
        prepare(slot, AioContext.IOCB_CMD_PWRITE, fd, address, lengthBytes, offset, rwFlags);
    }

    public void preadv(int slot, int fd, long iov, int count, long offset, int rwFlags) {
        prepare(slot, AioContext.IOCB_CMD_PREADV, fd, iov, count, offset, rwFlags);
    }

    public void pwritev(int slot, int fd, long iov, int count, long offset, int rwFlags) {
        prepare(slot, AioContext.IOCB_CMD_PWRITEV, fd, iov, count, offset, rwFlags);
    }

    /** Completes with -EINVAL before Linux 4.18. It waits for nothing: only writes completed before are covered. */
    public void fsync(int slot, int fd, boolean datasync) {
        prepare(slot, datasync ? AioContext.IOCB_CMD_FDSYNC : AioContext.IOCB_CMD_FSYNC, fd, 0, 0, 0, 0);
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
            long result = context.submit(pending - done, pointers + done * 8L);
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
        while (inFlight > 0 && !context.isRingEmpty()) {
            long count = context.getEvents(EVENTS_PER_CALL, events);
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
        context.close();
        block.close();
    }

    private void prepare(int slot, int opcode, int fd, long iov, int count, long offset, int rwFlags) {
        open();
        if (slot < 0 || slot >= depth || pending == depth) throw new IllegalArgumentException("slot=" + slot);
        long iocb = iocbs + (long) slot * AioContext.IOCB_BYTES;
        AioContext.putIocb(iocb, opcode, fd, iov, count, offset, completions.fd().number());
        Memory.putLong(iocb + AioContext.AIO_DATA, slot);
        Memory.putInt(iocb + AioContext.AIO_RW_FLAGS, rwFlags);
        Memory.putLong(pointers + pending * 8L, iocb);
        pending++;
    }

    private void refuse(long iocb, int errorNumber) {
        refusedSlots[refused] = (int) ((iocb - iocbs) / AioContext.IOCB_BYTES);
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

    private void open() {
        if (closed) throw new IllegalStateException("aio context is closed");
    }
}
