package io.vireo.posix;

import java.lang.invoke.MethodHandle;

/**
 * An epoll instance with room for the events of one wait. {@link #add}, {@link #modify} and {@link #remove} may be
 * called from any thread; {@link #await} and what reads its result belong to one.
 */
public final class Epoll implements AutoCloseable {
    public static final int EPOLLIN = 0x001;
    public static final int EPOLLOUT = 0x004;
    public static final int EPOLLERR = 0x008;
    public static final int EPOLLHUP = 0x010;
    public static final int EPOLLRDHUP = 0x2000;
    public static final int EPOLLET = 1 << 31;

    private static final MethodHandle EPOLL_CREATE1 = Libc.link("epoll_create1", Libc.INT, Libc.INT);
    private static final MethodHandle EPOLL_CTL =
            Libc.link("epoll_ctl", Libc.INT, Libc.INT, Libc.INT, Libc.INT, Libc.LONG);
    private static final MethodHandle EPOLL_WAIT =
            Libc.link("epoll_wait", Libc.INT, Libc.INT, Libc.LONG, Libc.INT, Libc.INT);
    /** By number: glibc has a wrapper since 2.35 only. */
    private static final MethodHandle SYSCALL = Libc.linkVariadic(
            "syscall", 1, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG, Libc.LONG);
    private static final long SYS_EPOLL_PWAIT2 = 441;

    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EPOLL_CTL_ADD = 1;
    private static final int EPOLL_CTL_DEL = 2;
    private static final int EPOLL_CTL_MOD = 3;
    /** struct epoll_event { u32 events; u64 data; } is packed on x86-64 and nowhere else. */
    private static final int EVENT_BYTES = Machine.AARCH64 ? 16 : 12;
    private static final int DATA_OFFSET = Machine.AARCH64 ? 8 : 4;
    private static final int TIMESPEC_BYTES = 16;

    private final Fd fd;
    private final int eventsMax;
    private final NativeBlock block;
    private boolean millisOnly;

    private Epoll(Fd fd, int eventsMax) {
        this.fd = fd;
        this.eventsMax = eventsMax;
        block = NativeBlock.allocate(TIMESPEC_BYTES + (long) eventsMax * EVENT_BYTES, 8);
    }

    /** @param eventsMax how many events one wait answers at most */
    public static Epoll create(int eventsMax) {
        try {
            int number = (int) EPOLL_CREATE1.invokeExact(Libc.errnoSegment(), EPOLL_CLOEXEC);
            return new Epoll(Fd.owning(Libc.check("epoll_create1", "", number)), eventsMax);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    public Fd fd() {
        return fd;
    }

    /** @param token what {@link #token} answers for its events */
    public void add(Fd watched, int events, long token) {
        control(EPOLL_CTL_ADD, watched, events, token);
    }

    public void modify(Fd watched, int events, long token) {
        control(EPOLL_CTL_MOD, watched, events, token);
    }

    public void remove(Fd watched) {
        control(EPOLL_CTL_DEL, watched, 0, 0);
    }

    /**
     * Waits for events; allocates nothing.
     *
     * @param timeoutNanos 0 does not wait, -1 waits for ever
     * @return how many there are, 0 after the timeout or an interrupting signal
     */
    public int await(long timeoutNanos) {
        fd.number(); // throws where all below would write to memory that was given back
        long result = millisOnly ? waitMillis(timeoutNanos) : waitNanos(timeoutNanos);
        if (result == -Errno.ENOSYS && !millisOnly) {
            millisOnly = true; // a kernel before 5.11
            result = waitMillis(timeoutNanos);
        }
        if (result == -Errno.EINTR) return 0;
        if (result < 0) throw new PosixException("epoll_wait", fd.toString(), (int) -result);
        return (int) result;
    }

    /** The token of event {@code index} of the last wait. */
    public long token(int index) {
        return Memory.getLong(event(index) + DATA_OFFSET);
    }

    public int events(int index) {
        return Memory.getInt(event(index));
    }

    @Override
    public void close() {
        fd.close();
        block.close();
    }

    private long event(int index) {
        return block.address() + TIMESPEC_BYTES + (long) index * EVENT_BYTES;
    }

    private long waitNanos(long timeoutNanos) {
        long timespec = block.address();
        Memory.putLong(timespec, timeoutNanos / 1_000_000_000);
        Memory.putLong(timespec + 8, timeoutNanos % 1_000_000_000);
        try {
            long result = (long) SYSCALL.invokeExact(Libc.errnoSegment(), SYS_EPOLL_PWAIT2, (long) fd.number(),
                    event(0), (long) eventsMax, timeoutNanos < 0 ? 0L : timespec, 0L, 0L);
            return result < 0 ? -Libc.errno() : result;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    private long waitMillis(long timeoutNanos) {
        // Rounded up: waking before the deadline would make the caller spin until it.
        long millis = timeoutNanos < 0 ? -1 : Math.min(Integer.MAX_VALUE, (timeoutNanos + 999_999) / 1_000_000);
        try {
            int result = (int) EPOLL_WAIT.invokeExact(Libc.errnoSegment(), fd.number(), event(0), eventsMax, (int) millis);
            return result < 0 ? -Libc.errno() : result;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    private void control(int operation, Fd watched, int events, long token) {
        try (NativeBlock event = NativeBlock.allocate(16, 8)) {
            Memory.putInt(event.address(), events);
            Memory.putLong(event.address() + DATA_OFFSET, token);
            Libc.check("epoll_ctl", watched.toString(), (int) EPOLL_CTL.invokeExact(
                    Libc.errnoSegment(), fd.number(), operation, watched.number(), event.address()));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
