package io.vireo.actors.iothread;

import io.vireo.posix.Fd;
import io.vireo.posix.uring.CompletionHandler;
import io.vireo.posix.uring.IoUring;
import io.vireo.storage.file.UringEngine;
import java.util.HashMap;
import java.util.Map;

/**
 * Waits in the ring that also carries the I/O: descriptors are watched by multishot polls, and one io_uring_enter per
 * turn submits, collects and, when the loop sleeps, blocks.
 */
final class UringPoller implements Poller {
    private static final int POLLIN = 1;
    private static final int TAG_WATCH = 0;
    private static final int TAG_ENGINE = 1;
    private static final int TAG_IGNORED = 2;
    private static final long IGNORED = (long) TAG_IGNORED << 56;
    /** What the kernel still holds after this is given up, not waited for. */
    private static final long DRAIN_NANOS = 5_000_000_000L;

    private final IoUring ring;
    private final Listener listener;
    private final UringEngine engine;
    /** Made once: a method reference at the call would be an object a turn. */
    private final CompletionHandler handler = this::completed;
    private final Map<Long, Fd> watched = new HashMap<>();

    UringPoller(IoUring ring, Listener listener) {
        this.ring = ring;
        this.listener = listener;
        engine = new UringEngine(ring, TAG_ENGINE);
    }

    UringEngine engine() {
        return engine;
    }

    @Override
    public void watch(Fd fd, long token) {
        watched.put(token, fd);
        arm(fd, token);
    }

    private void arm(Fd fd, long token) {
        // A full queue empties into the kernel at once; watching is rare.
        while (!ring.pollMultishot(fd.number(), POLLIN, token)) ring.submit();
    }

    @Override
    public void unwatch(Fd fd, long token) {
        watched.remove(token);
        while (!ring.pollRemove(token, IGNORED)) ring.submit();
        // At once: the ring must have let go of the descriptor before its owner closes it.
        ring.submit();
    }

    @Override
    public int poll() {
        if (ring.pending() > 0 || ring.taskWorkPending()) ring.submit();
        return ring.reap(handler);
    }

    @Override
    public int park(long timeoutNanos) {
        ring.submitAndWait(timeoutNanos);
        return ring.reap(handler);
    }

    private void completed(long userData, int result, int flags) {
        switch (UringEngine.tagOf(userData)) {
            case TAG_ENGINE -> engine.completed(userData, result, flags);
            case TAG_WATCH -> watchReported(userData, result, flags);
            default -> {}
        }
    }

    private void watchReported(long token, int result, int flags) {
        if (result > 0) listener.ready(token);
        if ((flags & IoUring.CQE_F_MORE) != 0) return;
        // A multishot poll may end by itself, as when completions overflowed.
        Fd fd = watched.get(token);
        if (fd != null && !fd.isClosed()) arm(fd, token);
    }

    @Override
    public long ringEnters() {
        return ring.enters();
    }

    @Override
    public void close() {
        // A watch that the drain cancels must not be armed again.
        watched.clear();
        if (ring.drain(handler, IGNORED, DRAIN_NANOS)) ring.close();
    }
}
