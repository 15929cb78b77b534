package io.vireo.actors.vhostuser;

import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import java.nio.file.Path;

/**
 * Connects to a front-end that listens, again and again until it does: at once when one has gone that was there for a
 * while, and then less and less often. Thread: the server's; the clock is the caller's.
 */
final class FrontEndDial {
    static final long PAUSE_NANOS_MIN = 10_000_000;
    static final long PAUSE_NANOS_MAX = 1_000_000_000;

    private final Path path;
    private final RateLimitedLog log;
    private long dueNanos;
    private long pauseNanos = PAUSE_NANOS_MIN;
    private long connectedNanos;
    private boolean complained;

    FrontEndDial(Path path, RateLimitedLog log, long nowNanos) {
        this.path = path;
        this.log = log;
        dueNanos = nowNanos;
    }

    /** How long to wait before the next {@link #tryConnect}; 0 when it is due. */
    long waitNanos(long nowNanos) {
        return Math.max(0, dueNanos - nowNanos);
    }

    /** A connection; null when there is none to be had now. */
    UnixSocket tryConnect(long nowNanos) {
        try {
            UnixSocket socket = UnixSocket.connectNow(path);
            connectedNanos = nowNanos;
            complained = false;
            return socket;
        } catch (PosixException e) {
            if (!complained) log.info(nowNanos, "front-end-awaited", "no front-end at {} yet: {}", path, e.getMessage());
            complained = true;
            pause(nowNanos);
            return null;
        }
    }

    /** The connection is over. One that was short is no reason to hurry. */
    void ended(long nowNanos) {
        if (nowNanos - connectedNanos >= PAUSE_NANOS_MAX) pauseNanos = PAUSE_NANOS_MIN;
        pause(nowNanos);
    }

    private void pause(long nowNanos) {
        dueNanos = nowNanos + pauseNanos;
        pauseNanos = Math.min(2 * pauseNanos, PAUSE_NANOS_MAX);
    }
}
