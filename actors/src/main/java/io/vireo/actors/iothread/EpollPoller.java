package io.vireo.actors.iothread;

import io.vireo.posix.Epoll;
import io.vireo.posix.Fd;

/** Waits in epoll: for hosts that refuse io_uring. */
final class EpollPoller implements Poller {
    private static final int EVENTS_MAX = 64;

    private final Epoll epoll = Epoll.create(EVENTS_MAX);
    private final Listener listener;

    EpollPoller(Listener listener) {
        this.listener = listener;
    }

    @Override
    public void watch(Fd fd, long token) {
        epoll.add(fd, Epoll.EPOLLIN | Epoll.EPOLLET, token);
    }

    @Override
    public void unwatch(Fd fd, long token) {
        epoll.remove(fd);
    }

    @Override
    public int poll() {
        return park(0);
    }

    @Override
    public int park(long timeoutNanos) {
        int count = epoll.await(timeoutNanos);
        for (int i = 0; i < count; i++) listener.ready(epoll.token(i));
        return count;
    }

    @Override
    public long ringEnters() {
        return 0;
    }

    @Override
    public void close() {
        epoll.close();
    }
}
