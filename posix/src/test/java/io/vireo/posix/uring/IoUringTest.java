package io.vireo.posix.uring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Epoll;
import io.vireo.posix.Errno;
import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.PosixFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class IoUringTest {
    private record Completion(long userData, int result, int flags) {}

    @TempDir Path folder;
    private final List<Completion> completions = new ArrayList<>();
    private final NativeBlock block = NativeBlock.allocate(1 << 16, 4096);
    private IoUring ring;

    @BeforeEach
    void open() {
        ring = IoUring.open(new Options(8, 32));
    }

    @AfterEach
    void close() {
        ring.close();
        block.close();
    }

    @Test
    void completesEveryOperationWithItsUserData() {
        for (int i = 0; i < 8; i++) assertTrue(ring.nop(Long.MIN_VALUE + i));
        assertEquals(8, ring.pending());
        assertEquals(8, ring.submit());
        assertEquals(0, ring.pending());
        reapAtLeast(8);
        for (int i = 0; i < 8; i++) assertEquals(new Completion(Long.MIN_VALUE + i, 0, 0), completions.get(i));
        assertEquals(0, ring.inFlight());
    }

    @Test
    void refusesOperationsWhileTheQueueIsFull() {
        for (int i = 0; i < 8; i++) assertTrue(ring.nop(i));
        assertFalse(ring.nop(8));
        assertFalse(ring.read(0, 0, 0, 0, 0, 0, 8));
        ring.submit();
        assertTrue(ring.nop(8));
        ring.submit();
        reapAtLeast(9);
        assertEquals(9, completions.size());
    }

    @Test
    void losesNoCompletionWhenMoreArriveThanTheirQueueHolds() {
        int count = 0;
        for (int round = 0; round < 16; round++) {
            while (ring.nop(count)) count++;
            ring.submit();
        }
        assertTrue(ring.taskWorkPending(), "the queue of 32 must have overflowed");
        while (completions.size() < count - ring.pending()) {
            ring.flushTaskWork();
            reap();
        }
        drainAll();
        for (int i = 0; i < completions.size(); i++) assertEquals(i, completions.get(i).userData());
        assertEquals(count, completions.size());
        assertFalse(ring.taskWorkPending());
    }

    @Test
    void writesAndReadsVectorsDurably() {
        try (Fd fd = file("vectors"); IoVec iov = new IoVec(block.address(), 4, 4)) {
            long data = block.address() + 4096;
            Memory.fill(data, 512, 1);
            Memory.fill(data + 512, 1024, 2);
            iov.add(data, 512);
            iov.add(data + 512, 1024);
            assertTrue(ring.writev(fd.number(), iov.address(), 2, 8192, PosixFile.RWF_DSYNC, 0, 7));
            assertEquals(new Completion(7, 1536, 0), only());
            Memory.fill(data, 1536, 0);
            assertTrue(ring.readv(fd.number(), iov.address(), 2, 8192, 0, 0, 8));
            assertEquals(new Completion(8, 1536, 0), only());
            assertEquals(1, Memory.getU8(data + 511));
            assertEquals(2, Memory.getU8(data + 512));
            assertEquals(8192 + 1536, PosixFile.status(fd).sizeBytes());
            assertTrue(ring.fsync(fd.number(), true, 0, 9));
            assertEquals(new Completion(9, 0, 0), only());
            assertTrue(ring.fsync(fd.number(), false, 0, 10));
            assertEquals(new Completion(10, 0, 0), only());
        }
    }

    @Test
    void movesRandomBlocksAsAModelDoes() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("IoUringTest seed " + seed);
        Random random = new Random(seed);
        int slots = 8;
        byte[] model = new byte[slots * 4096];
        try (Fd fd = file("random")) {
            PosixFile.truncate(fd, model.length);
            for (int round = 0; round < 200; round++) {
                for (int slot = 0; slot < slots; slot++) {
                    long buffer = block.address() + slot * 4096L;
                    if (random.nextBoolean()) {
                        byte[] bytes = new byte[4096];
                        random.nextBytes(bytes);
                        Memory.copy(bytes, 0, buffer, 4096);
                        System.arraycopy(bytes, 0, model, slot * 4096, 4096);
                        assertTrue(ring.write(fd.number(), buffer, 4096, slot * 4096L, 0, 0, slot));
                    } else {
                        assertTrue(ring.read(fd.number(), buffer, 4096, slot * 4096L, 0, 0, slot));
                    }
                }
                ring.submit();
                reapAtLeast(slots);
                completions.forEach(done -> assertEquals(4096, done.result(), done::toString));
                completions.clear();
                byte[] seen = new byte[model.length];
                Memory.copy(block.address(), seen, 0, seen.length);
                assertArrayEquals(model, seen);
            }
        }
    }

    @Test
    void reportsFailuresInTheCompletion() {
        assertTrue(ring.read(1 << 20, block.address(), 512, 0, 0, 0, 1));
        assertTrue(ring.nop(2));
        ring.submit();
        reapAtLeast(2);
        assertTrue(completions.contains(new Completion(1, -Errno.EBADF, 0)), completions::toString);
        assertTrue(completions.contains(new Completion(2, 0, 0)), completions::toString);
    }

    @Test
    void punchesHoles() {
        try (Fd fd = file("holes")) {
            assertTrue(ring.fallocate(fd.number(), 0, 0, 1 << 20, 0, 1));
            assertEquals(0, only().result());
            assertEquals(1 << 20, PosixFile.status(fd).allocatedBytes());
            int punch = PosixFile.FALLOC_FL_PUNCH_HOLE | PosixFile.FALLOC_FL_KEEP_SIZE;
            assertTrue(ring.fallocate(fd.number(), punch, 0, 1 << 19, 0, 1));
            assertEquals(0, only().result());
            assertEquals(1 << 19, PosixFile.status(fd).allocatedBytes());
        }
    }

    @Test
    void pollsAnEventfdUntilRemoved() {
        try (EventFd event = EventFd.create()) {
            assertTrue(ring.pollMultishot(event.fd().number(), Epoll.EPOLLIN, 5));
            ring.submit();
            for (int i = 0; i < 5; i++) {
                assertEquals(0, event.signal());
                ring.submitAndWait(-1);
                reap();
                assertEquals(1, completions.size());
                assertEquals(5, completions.get(0).userData());
                assertEquals(Epoll.EPOLLIN, completions.get(0).result() & Epoll.EPOLLIN);
                assertEquals(IoUring.CQE_F_MORE, completions.get(0).flags() & IoUring.CQE_F_MORE);
                assertTrue(event.clear(block.address()));
                completions.clear();
            }
            assertEquals(1, ring.inFlight());
            assertTrue(ring.pollRemove(5, 6));
            ring.submit();
            reapAtLeast(2);
            assertTrue(completions.contains(new Completion(5, -Errno.ECANCELED, 0)), completions::toString);
            assertTrue(completions.contains(new Completion(6, 0, 0)), completions::toString);
            assertEquals(0, ring.inFlight());
        }
    }

    @Test
    void wakesForASignalFromAnotherThread() {
        try (EventFd event = EventFd.create()) {
            assertTrue(ring.pollMultishot(event.fd().number(), Epoll.EPOLLIN, 5));
            CompletableFuture<Integer> signaller = CompletableFuture.supplyAsync(event::signal);
            while (completions.isEmpty()) {
                ring.submitAndWait(-1);
                reap();
            }
            assertEquals(5, completions.get(0).userData());
            assertEquals(0, signaller.join());
        }
    }

    @Test
    void cancelsByUserData() {
        try (EventFd event = EventFd.create()) {
            assertTrue(ring.read(event.fd().number(), block.address(), 8, 0, 0, 0, 1));
            assertTrue(ring.pollMultishot(event.fd().number(), Epoll.EPOLLIN, 2));
            ring.submit();
            reap();
            completions.clear(); // a non-blocking descriptor answers EAGAIN at once
            assertTrue(ring.cancel(2, 3));
            assertTrue(ring.cancel(99, 4));
            ring.submit();
            reapAtLeast(3);
            assertTrue(completions.contains(new Completion(2, -Errno.ECANCELED, 0)), completions::toString);
            assertTrue(completions.contains(new Completion(3, 0, 0)), completions::toString);
            assertTrue(completions.contains(new Completion(4, -Errno.ENOENT, 0)), completions::toString);
        }
    }

    @Test
    void drainsWhatIsInFlight() {
        try (EventFd event = EventFd.create()) {
            for (int i = 0; i < 8; i++) assertTrue(ring.pollMultishot(event.fd().number(), Epoll.EPOLLIN, i));
            ring.submit();
            assertTrue(ring.pollMultishot(event.fd().number(), Epoll.EPOLLIN, 8));
            assertEquals(8, ring.inFlight());
            assertTrue(ring.drain(this::note, 1000, 10_000_000_000L));
            assertEquals(0, ring.inFlight());
            assertEquals(9, completions.stream().filter(done -> done.result() == -Errno.ECANCELED).count());
            assertEquals(1, completions.stream().filter(done -> done.userData() == 1000).count());
        }
    }

    @Test
    void waitsNoLongerThanTheTimeout() {
        long begun = System.nanoTime();
        assertEquals(0, ring.submitAndWait(2_000_000));
        assertTrue(System.nanoTime() - begun >= 2_000_000);
        assertEquals(0, ring.submitAndWait(0));
        assertTrue(ring.nop(1));
        assertEquals(1, ring.submitAndWait(0));
        assertEquals(1, reap());
    }

    @Test
    void takesACompletionOffBeforeItsHandlerRuns() {
        assertTrue(ring.nop(1));
        assertTrue(ring.nop(2));
        ring.submit();
        assertThrows(ArithmeticException.class, () -> ring.reap((userData, result, flags) -> {
            throw new ArithmeticException();
        }));
        reapAtLeast(1);
        assertEquals(List.of(new Completion(2, 0, 0)), completions);
        assertEquals(0, ring.inFlight());
    }

    @Test
    void letsAHandlerPrepareTheNextOperation() {
        assertTrue(ring.nop(0));
        int[] done = {0};
        while (done[0] < 1000) {
            ring.submitAndWait(-1);
            ring.reap((userData, result, flags) -> {
                done[0]++;
                ring.nop(userData + 1);
            });
        }
        assertEquals(1, ring.pending());
    }

    @Test
    void refusesUseAfterClose() {
        ring.close();
        ring.close();
        assertThrows(IllegalStateException.class, () -> ring.nop(1));
        assertThrows(IllegalStateException.class, () -> ring.write(0, 0, 0, 0, 0, 0, 1));
        assertThrows(IllegalStateException.class, () -> ring.submit());
        assertThrows(IllegalStateException.class, () -> ring.submitAndWait(0));
        assertThrows(IllegalStateException.class, () -> ring.flushTaskWork());
        assertThrows(IllegalStateException.class, () -> ring.taskWorkPending());
        assertThrows(IllegalStateException.class, this::reap);
    }

    @Test
    void refusesAnotherThread() {
        assertEquals("deferred", ring.mode(), "the kernel of this test must know the best flags");
        assertTrue(ring.nop(1));
        PosixException refused = CompletableFuture.supplyAsync(
                () -> assertThrows(PosixException.class, () -> ring.submit())).join();
        assertEquals("io_uring_enter", refused.call());
        assertEquals(1, ring.submit());
    }

    @Test
    void allocatesNothingPerOperation() {
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        CompletionHandler handler = (userData, result, flags) -> { };
        // Until the compiler is done with them, the calls themselves allocate; an allocation of ours would never end.
        long allocated = Long.MAX_VALUE;
        for (int round = 0; round < 100 && allocated > 0; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            turns(handler, 5_000);
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated, "bytes in 5000 turns of 4 operations");
    }

    private void turns(CompletionHandler handler, int count) {
        for (int turn = 0; turn < count; turn++) {
            for (int i = 0; i < 4; i++) ring.nop(i);
            ring.submitAndWait(1_000_000);
            ring.reap(handler);
        }
    }

    private Completion only() {
        completions.clear();
        ring.submit();
        reapAtLeast(1);
        assertEquals(1, completions.size(), completions::toString);
        return completions.get(0);
    }

    private void reapAtLeast(int count) {
        reap();
        while (completions.size() < count) {
            ring.submitAndWait(-1);
            reap();
        }
    }

    private void drainAll() {
        while (ring.inFlight() > 0 || ring.pending() > 0) {
            ring.submitAndWait(-1);
            reap();
        }
    }

    private int reap() {
        return ring.reap(this::note);
    }

    private void note(long userData, int result, int flags) {
        completions.add(new Completion(userData, result, flags));
    }

    private Fd file(String name) {
        return PosixFile.open(folder.resolve(name).toString(), PosixFile.O_RDWR | PosixFile.O_CREAT, 0600);
    }
}
