package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class EpollTest {
    @Test
    void tellsWhichDescriptorsAreReady() {
        try (Epoll epoll = Epoll.create(8); EventFd one = EventFd.create(); EventFd two = EventFd.create();
                EventFd three = EventFd.create()) {
            epoll.add(one.fd(), Epoll.EPOLLIN, 1);
            epoll.add(two.fd(), Epoll.EPOLLIN, 1L << 40);
            epoll.add(three.fd(), Epoll.EPOLLIN, 3);
            one.signal();
            two.signal();
            assertEquals(2, epoll.await(-1));
            assertEquals(1L << 40 | 1, epoll.token(0) | epoll.token(1));
            assertEquals(Epoll.EPOLLIN, epoll.events(0));
            assertEquals(Epoll.EPOLLIN, epoll.events(1));
        }
    }

    @Test
    void tellsAnEdgeOnce() {
        try (Epoll epoll = Epoll.create(8); EventFd event = EventFd.create()) {
            epoll.add(event.fd(), Epoll.EPOLLIN | Epoll.EPOLLET, 9);
            event.signal();
            assertEquals(1, epoll.await(-1));
            assertEquals(0, epoll.await(0));
            event.signal();
            assertEquals(1, epoll.await(-1));
        }
    }

    @Test
    void waitsForNanoseconds() {
        try (Epoll epoll = Epoll.create(1)) {
            long begun = System.nanoTime();
            assertEquals(0, epoll.await(300_000));
            assertTrue(System.nanoTime() - begun >= 300_000);
        }
    }

    @Test
    void forgetsAndChangesDescriptors() {
        try (Epoll epoll = Epoll.create(1); EventFd event = EventFd.create()) {
            epoll.add(event.fd(), Epoll.EPOLLIN, 1);
            event.signal();
            epoll.modify(event.fd(), Epoll.EPOLLOUT, 2);
            assertEquals(1, epoll.await(-1));
            assertEquals(2, epoll.token(0));
            assertEquals(Epoll.EPOLLOUT, epoll.events(0));
            epoll.remove(event.fd());
            assertEquals(0, epoll.await(0));
            assertThrows(PosixException.class, () -> epoll.remove(event.fd()));
        }
    }

    @Test
    void refusesUseAfterClose() {
        Epoll epoll = Epoll.create(1);
        epoll.close();
        assertThrows(IllegalStateException.class, () -> epoll.await(0));
    }
}
