package io.vireo.posix;

import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A file descriptor with one owner, who closes it once. Closing again does nothing; using it after that throws
 * {@link IllegalStateException} rather than touch whatever took the number since.
 */
public final class Fd implements AutoCloseable {
    private static final MethodHandle CLOSE = Libc.link("close", Libc.INT, Libc.INT);
    private static final MethodHandle DUP =
            Libc.linkVariadic("fcntl", 2, Libc.INT, Libc.INT, Libc.INT, Libc.INT);
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int AFTER_STANDARD_STREAMS = 3;
    private static final int CLOSED = -1;

    private final AtomicInteger number;

    private Fd(int number) {
        this.number = new AtomicInteger(number);
    }

    /** Takes ownership of a descriptor that nobody else will close. */
    public static Fd owning(int number) {
        if (number < 0) throw new IllegalArgumentException("fd=" + number);
        return new Fd(number);
    }

    public int number() {
        int current = number.get();
        if (current == CLOSED) throw new IllegalStateException("descriptor is closed");
        return current;
    }

    public boolean isClosed() {
        return number.get() == CLOSED;
    }

    /** A second descriptor of the same open file description, close-on-exec. */
    public Fd duplicate() {
        return duplicateOf(number());
    }

    /**
     * As {@link #duplicate}, numbered {@code lowest} or above.
     *
     * @throws PosixException EINVAL: this process has no numbers as high as that
     */
    Fd duplicateFrom(int lowest) {
        return duplicateOf(number(), lowest);
    }

    /** A descriptor of our own for one that somebody else owns. */
    public static Fd duplicateOf(int number) {
        return duplicateOf(number, AFTER_STANDARD_STREAMS);
    }

    private static Fd duplicateOf(int number, int lowest) {
        try {
            int copy = (int) DUP.invokeExact(Libc.errnoSegment(), number, F_DUPFD_CLOEXEC, lowest);
            return new Fd(Libc.check("fcntl(F_DUPFD_CLOEXEC)", "fd " + number, copy));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    /** Gives the number up without closing it. */
    public int release() {
        int current = number.getAndSet(CLOSED);
        if (current == CLOSED) throw new IllegalStateException("descriptor is closed");
        return current;
    }

    /** Closes it; what close(2) answers is of no use to anybody: the number is gone either way. */
    @Override
    public void close() {
        int current = number.getAndSet(CLOSED);
        if (current == CLOSED) return;
        try {
            int ignored = (int) CLOSE.invokeExact(Libc.errnoSegment(), current);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    @Override
    public String toString() {
        return isClosed() ? "fd closed" : "fd " + number.get();
    }
}
