package io.vireo.posix;

import java.lang.invoke.MethodHandle;

/** An eventfd: the kick, call and wake-up of everything here. Signalling is safe from any thread and never blocks. */
public final class EventFd implements AutoCloseable {
    private static final MethodHandle EVENTFD = Libc.link("eventfd", Libc.INT, Libc.INT, Libc.INT);
    private static final MethodHandle WRITE = Libc.link("write", Libc.LONG, Libc.INT, Libc.LONG, Libc.LONG);
    private static final MethodHandle READ = Libc.link("read", Libc.LONG, Libc.INT, Libc.LONG, Libc.LONG);
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;
    /** Constant 1, never written again: every signal in the process writes from here. */
    private static final NativeBlock ONE = NativeBlock.allocate(8, 8);

    static {
        Memory.putLong(ONE.address(), 1);
    }

    private final Fd fd;
    /** Null for nothing. */
    private final Runnable beforeSignal;

    private EventFd(Fd fd, Runnable beforeSignal) {
        this.fd = fd;
        this.beforeSignal = beforeSignal;
    }

    /** A new non-blocking eventfd with count 0. */
    public static EventFd create() {
        try {
            int number = (int) EVENTFD.invokeExact(Libc.errnoSegment(), 0, EFD_CLOEXEC | EFD_NONBLOCK);
            return new EventFd(Fd.owning(Libc.check("eventfd", "", number)), null);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    /**
     * Takes over a descriptor that came from elsewhere. Its flags stay as they are: O_NONBLOCK belongs to the open file
     * description, which the other side shares.
     */
    public static EventFd owning(Fd fd) {
        return owning(fd, null);
    }

    /**
     * As {@link #owning(Fd)}, with something that must have happened when the other side wakes up.
     *
     * @param beforeSignal run before each signal, on the thread that makes it: must not block; null for nothing
     */
    public static EventFd owning(Fd fd, Runnable beforeSignal) {
        return new EventFd(fd, beforeSignal);
    }

    public Fd fd() {
        return fd;
    }

    /**
     * Adds 1 to the count.
     *
     * @return 0, or errno (EAGAIN: the count is at its maximum, so the other side is signalled already)
     */
    public int signal() {
        beforeSignal();
        try {
            long written = (long) WRITE.invokeExact(Libc.errnoSegment(), fd.number(), ONE.address(), 8L);
            return written == 8 ? 0 : Libc.errno();
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    /** What must have happened before the other side wakes up, for who signals in another way. */
    void beforeSignal() {
        if (beforeSignal != null) beforeSignal.run();
    }

    /** Reads and clears the count into {@code buffer8}, 8 bytes of native memory; false when it was 0. */
    public boolean clear(long buffer8) {
        try {
            return (long) READ.invokeExact(Libc.errnoSegment(), fd.number(), buffer8, 8L) == 8;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    @Override
    public void close() {
        fd.close();
    }
}
