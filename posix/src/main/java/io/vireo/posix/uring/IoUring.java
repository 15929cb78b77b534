package io.vireo.posix.uring;

import static io.vireo.posix.uring.UringLayout.*;

import io.vireo.posix.Errno;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UringCalls;

/**
 * One io_uring: operations are prepared, submitted together, and their completions reaped.
 *
 * <p>Thread: the one that opened it, for everything but {@link #close}, which may follow on another once that thread
 * has ended. Where the kernel can (6.1) it posts completions only inside a call of this thread that asks for them:
 * {@link #submit}, {@link #submitAndWait} or {@link #flushTaskWork}; {@link #taskWorkPending} says whether one is due.
 *
 * <p>Memory: descriptor, iovec array and buffers belong to the kernel from prepare to completion.
 *
 * <p>Errors: preparing answers false when the queue is full: submit and try again. An operation that fails does so in
 * its completion. Submitting never loses anything: what the kernel did not take, for want of memory (EAGAIN), because
 * completions wait to be reaped (EBUSY) or for a signal (EINTR), stays pending and goes with the next call, so the
 * caller reaps and goes on. Use after {@link #close} throws {@link IllegalStateException}. Nothing here allocates
 * between open and close.
 */
public final class IoUring implements AutoCloseable {
    /** Of a completion: its multishot operation goes on; without it that has ended and may be prepared again. */
    public static final int CQE_F_MORE = 1 << 1;
    /** For {@code sqeFlags}: starts after everything before it has completed. */
    public static final int IOSQE_IO_DRAIN = 1 << 1;
    /** For {@code sqeFlags}: goes to a kernel worker at once, without trying whether it would block. */
    public static final int IOSQE_ASYNC = 1 << 4;

    private static final long NANOS_PER_SECOND = 1_000_000_000;

    private final UringCalls calls;
    private final RingMemory ring;
    private final SubmissionQueue submissions;
    private final CompletionQueue completions;
    private final NativeBlock waitArgument =
            NativeBlock.allocate(GETEVENTS_ARG_BYTES + TIMESPEC_BYTES, 8);
    private final Thread owner = Thread.currentThread();
    /** What enter takes: an index where the ring's descriptor could be registered, which spares its look-up. */
    private final int enterFd;
    private final int enterFlags;
    private long enters;
    private int inFlight;
    private boolean closed;

    private IoUring(UringCalls calls, RingMemory ring) {
        this.calls = calls;
        this.ring = ring;
        submissions = new SubmissionQueue(ring);
        completions = new CompletionQueue(ring);
        int index = Registration.registerRing(calls, ring.fd.number());
        enterFd = index < 0 ? ring.fd.number() : index;
        enterFlags = index < 0 ? 0 : IORING_ENTER_REGISTERED_RING;
    }

    /**
     * Opens a ring for the calling thread.
     *
     * @throws PosixException io_uring is refused or too old; {@link Probe#reason} says more
     */
    public static IoUring open(Options options) {
        UringCalls calls = new UringCalls();
        return new IoUring(calls, RingMemory.create(calls, options));
    }

    /** What this kernel allows and knows, tried on a ring of its own. */
    public static Probe probe() {
        return Probe.run();
    }

    public boolean nop(long userData) {
        return prepare(IORING_OP_NOP, 0, -1, 0, 0, 0, 0, userData);
    }

    /**
     * @param iov address of {@code count} iovecs, which stay as they are until completion
     * @param rwFlags RWF_DSYNC, RWF_NOWAIT or 0
     * @param sqeFlags IOSQE_ASYNC or 0
     */
    public boolean readv(int fd, long iov, int count, long offset, int rwFlags, int sqeFlags, long userData) {
        return prepare(IORING_OP_READV, sqeFlags, fd, offset, iov, count, rwFlags, userData);
    }

    public boolean writev(int fd, long iov, int count, long offset, int rwFlags, int sqeFlags, long userData) {
        return prepare(IORING_OP_WRITEV, sqeFlags, fd, offset, iov, count, rwFlags, userData);
    }

    public boolean read(int fd, long address, int length, long offset, int rwFlags, int sqeFlags, long userData) {
        return prepare(IORING_OP_READ, sqeFlags, fd, offset, address, length, rwFlags, userData);
    }

    public boolean write(int fd, long address, int length, long offset, int rwFlags, int sqeFlags, long userData) {
        return prepare(IORING_OP_WRITE, sqeFlags, fd, offset, address, length, rwFlags, userData);
    }

    /** It waits for nothing: only writes that have completed before are sure to be made durable. */
    public boolean fsync(int fd, boolean datasync, int sqeFlags, long userData) {
        return prepare(IORING_OP_FSYNC, sqeFlags, fd, 0, 0, 0, datasync ? IORING_FSYNC_DATASYNC : 0, userData);
    }

    /** @param mode FALLOC_FL_... of {@link io.vireo.posix.PosixFile} */
    public boolean fallocate(int fd, int mode, long offset, long lengthBytes, int sqeFlags, long userData) {
        return prepare(IORING_OP_FALLOCATE, sqeFlags, fd, offset, lengthBytes, mode, 0, userData);
    }

    /** Completes, with the events as result, each time one of {@code events} (POLLIN...) arises, until removed. */
    public boolean pollMultishot(int fd, int events, long userData) {
        return prepare(IORING_OP_POLL_ADD, 0, fd, 0, 0, IORING_POLL_ADD_MULTI, events, userData);
    }

    /** Ends the poll prepared with {@code target}, which completes with -ECANCELED. */
    public boolean pollRemove(long target, long userData) {
        return prepare(IORING_OP_POLL_REMOVE, 0, -1, 0, target, 0, 0, userData);
    }

    /** Tries to cancel the operation prepared with {@code target}: 0, -ENOENT or -EALREADY. Both complete. */
    public boolean cancel(long target, long userData) {
        return prepare(IORING_OP_ASYNC_CANCEL, 0, -1, 0, target, 0, 0, userData);
    }

    /** Tries to cancel everything in flight. */
    public boolean cancelAll(long userData) {
        int flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY;
        return prepare(IORING_OP_ASYNC_CANCEL, 0, -1, 0, 0, 0, flags, userData);
    }

    /** Operations prepared and not yet taken by the kernel. */
    public int pending() {
        return submissions.pending();
    }

    /** Operations taken by the kernel whose last completion was not reaped yet, multishot polls included. */
    public int inFlight() {
        return inFlight;
    }

    /**
     * Hands everything pending to the kernel, and collects completions that it deferred, in one system call; without
     * one when there is neither.
     *
     * @return how many operations it took
     */
    public int submit() {
        if (!taskWorkPending() && pending() == 0) return 0;
        return enter(0, IORING_ENTER_GETEVENTS, 0, 0);
    }

    /**
     * As {@link #submit}, and waits until a completion can be reaped. May return earlier, after a signal.
     *
     * @param timeoutNanos 0 does not wait, -1 waits for ever
     * @return how many operations the kernel took
     */
    public int submitAndWait(long timeoutNanos) {
        open();
        long argument = waitArgument.address();
        long timespec = argument + GETEVENTS_ARG_BYTES;
        Memory.putLong(timespec, timeoutNanos / NANOS_PER_SECOND);
        Memory.putLong(timespec + 8, timeoutNanos % NANOS_PER_SECOND);
        Memory.putLong(argument + GETEVENTS_ARG_TS, timeoutNanos < 0 ? 0 : timespec);
        int flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
        return enter(timeoutNanos == 0 ? 0 : 1, flags, argument, GETEVENTS_ARG_BYTES);
    }

    /** System calls so far that entered this ring. */
    public long enters() {
        return enters;
    }

    /** The kernel has completions that it will only show inside a call: after deferring them or for want of room. */
    public boolean taskWorkPending() {
        open();
        return (submissions.flags() & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
    }

    /** Collects them, submitting what is pending on the way. */
    public void flushTaskWork() {
        enter(0, IORING_ENTER_GETEVENTS, 0, 0);
    }

    /**
     * Hands the completions that are there to {@code handler}, in the order they came.
     *
     * @return how many
     */
    public int reap(CompletionHandler handler) {
        open();
        return completions.reap(handler, this);
    }

    /**
     * Takes no more: cancels what can be cancelled and reaps until nothing is in flight, which is what makes unmapping
     * buffers safe.
     *
     * @param userData what the cancellation itself completes with
     * @return false when the time was over first: the buffers then still belong to the kernel
     */
    public boolean drain(CompletionHandler handler, long userData, long timeoutNanos) {
        long deadline = System.nanoTime() + timeoutNanos;
        boolean cancelled = false;
        while (inFlight > 0 || pending() > 0) {
            long left = deadline - System.nanoTime();
            if (left <= 0) return false;
            if (!cancelled) cancelled = cancelAll(userData);
            submitAndWait(left);
            reap(handler);
        }
        return true;
    }

    /** Which of the best flags the kernel took, for the log: as deferred, cooperative or plain. */
    public String mode() {
        if ((ring.setupFlags & IORING_SETUP_DEFER_TASKRUN) != 0) return "deferred";
        return (ring.setupFlags & IORING_SETUP_COOP_TASKRUN) != 0 ? "cooperative" : "plain";
    }

    /**
     * Closes the ring. The kernel goes on with operations that are in flight, and with their buffers: {@link #drain}
     * comes first, and buffers that it could not get back are leaked, never unmapped.
     */
    @Override
    public void close() {
        if (closed) return;
        closed = true;
        // The registration is the opening thread's and goes with it if that has ended.
        if (enterFlags != 0 && Thread.currentThread() == owner) {
            Registration.unregisterRing(calls, ring.fd.number(), enterFd);
        }
        ring.close();
        waitArgument.close();
    }

    void operationsEnded(int count) {
        inFlight -= count;
    }

    private boolean prepare(int opcode, int sqeFlags, int fd, long offset, long address, int length, int opFlags,
            long userData) {
        open();
        return submissions.add(opcode, sqeFlags, fd, offset, address, length, opFlags, userData) != 0;
    }

    private int enter(int minComplete, int flags, long argument, long argumentBytes) {
        open();
        enters++;
        int before = pending();
        submissions.publish();
        int result = calls.enter(enterFd, before, minComplete, flags | enterFlags, argument, argumentBytes);
        submissions.refresh();
        // The head and not the result counts: a wait that fails after submitting answers an error on some kernels.
        int taken = before - pending();
        inFlight += taken;
        if (result < 0) complain(-result);
        return taken;
    }

    private static void complain(int errno) {
        switch (errno) {
            case Errno.EINTR, Errno.EAGAIN, Errno.EBUSY, Errno.ETIME -> { }
            default -> throw new PosixException("io_uring_enter", "", errno);
        }
    }

    private void open() {
        if (closed) throw new IllegalStateException("io_uring is closed");
    }
}
