package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.Memory;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class ThreadsEngineTest {
    private static final Executor INLINE = Runnable::run;

    /** A file in memory that moves as much as it pleases, and fails as it is told to. */
    private static final class Whimsical implements FileCalls {
        final byte[] bytes = new byte[65536];
        final Random random = new Random(7);
        final Deque<Integer> failures = new ArrayDeque<>();
        final List<String> calls = new ArrayList<>();
        int readableBytes = bytes.length;

        @Override
        public long preadv(int fd, long iov, int count, long offsetBytes) {
            return move("read", iov, count, offsetBytes, readableBytes, 0);
        }

        @Override
        public long pwritev(int fd, long iov, int count, long offsetBytes, int rwFlags) {
            return move("write", iov, count, offsetBytes, bytes.length, rwFlags);
        }

        private long move(String call, long iov, int count, long offsetBytes, int endBytes, int rwFlags) {
            calls.add(call + (rwFlags == FileIo.RWF_DSYNC ? " dsync" : ""));
            if (!failures.isEmpty()) return -failures.poll();
            long base = Memory.getLong(iov);
            long length = Math.min(Memory.getLong(iov + 8), endBytes - offsetBytes);
            if (length <= 0) return 0;
            int moved = 1 + random.nextInt((int) length);
            if (call.equals("read")) Memory.copy(bytes, (int) offsetBytes, base, moved);
            else Memory.copy(base, bytes, (int) offsetBytes, moved);
            return moved;
        }

        @Override
        public int secureErase(int fd, long offsetBytes, long lengthBytes) {
            calls.add("erase " + offsetBytes + "+" + lengthBytes);
            return failures.isEmpty() ? 0 : -failures.poll();
        }

        @Override
        public int datasync(int fd) {
            calls.add("datasync");
            return failures.isEmpty() ? 0 : -failures.poll();
        }

        @Override
        public int fallocate(int fd, int mode, long offsetBytes, long lengthBytes) {
            calls.add("fallocate " + mode);
            return failures.isEmpty() ? 0 : -failures.poll();
        }
    }

    private final TestLoop loop = new TestLoop();
    private final Whimsical file = new Whimsical();
    private final ThreadsEngine engine = new ThreadsEngine(loop, INLINE, file);
    private final TestRequest r = new TestRequest(65536);

    private int run() {
        engine.submit(3, r.request);
        loop.runUntil(r::isDone);
        assertEquals(0, engine.inFlight());
        return r.errno;
    }

    @Test
    void continuesShortTransfersUntilAllIsMoved() {
        byte[] data = new byte[30000];
        new Random(1).nextBytes(data);
        r.scattered(data.length, new Random(2)).fill(data, 0);
        r.request.write(1024, r.data, false);
        assertEquals(0, run());
        assertTrue(file.calls.size() > 3, () -> "calls " + file.calls.size());
        r.scattered(data.length, new Random(3)).fill(0);
        r.request.read(1024, r.data);
        assertEquals(0, run());
        assertArrayEquals(data, r.bytes());
    }

    @Test
    void doesNotInventDataPastTheEndOfAFileThatWasCut() {
        file.readableBytes = 1000;
        r.whole(4096).request.read(0, r.data);
        assertEquals(Errno.EIO, run());
    }

    @Test
    void erasesARangeInOneCall() {
        r.whole(0).request.secureErase(4096, 65536);
        assertEquals(0, run());
        file.failures.add(Errno.EOPNOTSUPP);
        r.whole(0);
        assertEquals(Errno.EOPNOTSUPP, run());
        assertEquals(List.of("erase 4096+65536", "erase 4096+65536"), file.calls);
    }

    @Test
    void triesAgainWhenInterrupted() {
        file.failures.addAll(List.of(Errno.EINTR, Errno.EAGAIN, Errno.EINTR));
        r.whole(512).request.read(0, r.data);
        assertEquals(0, run());
    }

    @Test
    void givesUpOnAFileThatIsNeverReady() {
        for (int i = 0; i < 1000; i++) file.failures.add(Errno.EAGAIN);
        r.whole(512).request.read(0, r.data);
        assertEquals(Errno.EAGAIN, run());
    }

    @Test
    void handsFailuresOn() {
        for (int errno : new int[] {Errno.EIO, Errno.ENOSPC, Errno.EBADF}) {
            file.failures.add(errno);
            r.whole(512).request.write(0, r.data, false);
            assertEquals(errno, run());
        }
        file.failures.add(Errno.EIO);
        r.whole(0).request.flush();
        assertEquals(Errno.EIO, run());
        file.failures.add(Errno.EOPNOTSUPP);
        r.whole(0).request.discard(0, 512, true);
        assertEquals(Errno.EOPNOTSUPP, run());
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/stable-after-flush")
    void makesDurableWhatIsToBe() {
        r.whole(1).request.write(0, r.data, true);
        assertEquals(0, run());
        r.whole(0).request.flush();
        assertEquals(0, run());
        r.whole(0).request.discard(0, 4096, true);
        assertEquals(0, run());
        r.whole(0).request.writeZeroes(0, 4096, false, true);
        assertEquals(0, run());
        r.whole(0).request.writeZeroes(0, 4096, true, false);
        assertEquals(0, run());
        assertEquals(
                List.of(
                        "write dsync", "datasync", "fallocate 3", "datasync", "fallocate 17", "datasync",
                        "fallocate 3"),
                file.calls);
    }

    @Test
    void wakesTheLoopOncePerBurst() {
        List<Runnable> wakeUps = new ArrayList<>();
        List<Integer> order = new ArrayList<>();
        ThreadsEngine counted = new ThreadsEngine(new Recording(loop, wakeUps), INLINE, file);
        List<TestRequest> burst = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            int number = i;
            TestRequest each = new TestRequest(0, (request, errno) -> order.add(number));
            each.whole(0).request.flush();
            burst.add(each);
            counted.submit(3, each.request);
        }
        assertEquals(1, wakeUps.size());
        assertEquals(5, counted.inFlight());
        assertThrows(IllegalStateException.class, counted::close);
        wakeUps.getFirst().run();
        assertEquals(List.of(0, 1, 2, 3, 4), order);
        assertEquals(0, counted.poll());
        burst.forEach(TestRequest::close);
    }

    @Test
    void completesWhatAPoolThatIsShutDownRefuses() {
        ThreadsEngine refused = new ThreadsEngine(loop, task -> {
            throw new RejectedExecutionException();
        }, file);
        r.whole(0).request.flush();
        refused.submit(3, r.request);
        assertTrue(r.isDone());
        assertEquals(Errno.ECANCELED, r.errno);
        assertEquals(0, refused.inFlight());
    }

    @Test
    void completesInTheLoopAndNotInThePool() {
        r.whole(0).request.flush();
        engine.submit(3, r.request);
        assertFalse(r.isDone(), "the pool's thread has done its part, the loop has not");
        loop.turn();
        assertTrue(r.isDone());
    }
}
