package io.vireo.actors.iothread;

import io.vireo.posix.Fd;

/**
 * Where an IOThread waits, and through which descriptors wake it. Watching is edge-triggered: a watched eventfd need
 * not be read. Thread: the IOThread.
 */
interface Poller extends AutoCloseable {
    /** Receives the tokens of descriptors that became readable. */
    interface Listener {
        void ready(long token);
    }

    /** Watches {@code fd}; the token must not have been used before. */
    void watch(Fd fd, long token);

    void unwatch(Fd fd, long token);

    /** Submits what was prepared and delivers what is there, without waiting; answers how many deliveries. */
    int poll();

    /** As {@link #poll()}, but waits for something to deliver; -1 waits for ever. */
    int park(long timeoutNanos);

    /** System calls so far that entered an io_uring; 0 of a poller without one. */
    long ringEnters();

    @Override
    void close();
}
