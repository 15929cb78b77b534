package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class LinuxAioTest {
    private static final int DEPTH = 16;

    @TempDir Path folder;
    private final NativeBlock block = NativeBlock.allocate(1 << 18, 4096);
    private final long data = block.address() + 4096;
    private final EventFd event = EventFd.create();
    private final long[] results = new long[DEPTH];
    private final List<Integer> order = new ArrayList<>();
    private Fd fd;
    private LinuxAio aio;

    @BeforeEach
    void open() {
        fd = PosixFile.open(folder.resolve("direct").toString(),
                PosixFile.O_RDWR | PosixFile.O_CREAT | PosixFile.O_DIRECT, 0600);
        aio = LinuxAio.open(DEPTH, event);
        Arrays.fill(results, Long.MIN_VALUE);
    }

    @AfterEach
    void close() {
        aio.close();
        event.close();
        fd.close();
        block.close();
    }

    @Test
    void writesAndReadsVectorsInEverySlot() {
        for (int slot = 0; slot < DEPTH; slot++) {
            Memory.fill(data + slot * 4096L, 4096, slot + 1);
            aio.pwritev(slot, fd.number(), iov(slot, 4096), 1, slot * 4096L, PosixFile.RWF_DSYNC);
        }
        assertEquals(DEPTH, aio.pending());
        assertEquals(DEPTH, aio.submit());
        awaitAll(DEPTH);
        for (long result : results) assertEquals(4096, result);
        assertEquals(DEPTH * 4096, PosixFile.status(fd).sizeBytes());
        Memory.fill(data, DEPTH * 4096L, 0);
        for (int slot = 0; slot < DEPTH; slot++) {
            aio.preadv(slot, fd.number(), iov(slot, 4096), 1, slot * 4096L, 0);
        }
        aio.submit();
        awaitAll(DEPTH);
        for (int slot = 0; slot < DEPTH; slot++) assertEquals(slot + 1, Memory.getU8(data + slot * 4096L + 4095));
        assertEquals(0, aio.inFlight());
    }

    @Test
    void makesDataDurable() {
        aio.fsync(0, fd.number(), true);
        aio.fsync(1, fd.number(), false);
        aio.submit();
        awaitAll(2);
        assertEquals(0, results[0]);
        assertEquals(0, results[1]);
    }

    @Test
    void completesARefusedOperationAndGoesOnWithTheRest() {
        PosixFile.truncate(fd, 8192);
        aio.preadv(0, fd.number(), iov(0, 4096), 1, 0, 0);
        aio.preadv(1, 1 << 20, iov(1, 4096), 1, 0, 0);
        aio.preadv(2, fd.number(), iov(2, 4096), 1, 4096, 0);
        assertEquals(3, aio.submit());
        assertEquals(0, aio.pending());
        awaitAll(3);
        assertEquals(4096, results[0]);
        assertEquals(-Errno.EBADF, results[1]);
        assertEquals(4096, results[2]);
    }

    @Test
    void reportsABufferThatIsNoMemory() {
        PosixFile.truncate(fd, 8192);
        long iov = iov(3, 4096);
        Memory.putLong(iov, 4096);
        aio.preadv(3, fd.number(), iov, 1, 0, 0);
        aio.submit();
        awaitAll(1);
        assertEquals(-Errno.EFAULT, results[3]);
    }

    @Test
    void countsCompletionsOnTheEventfd() {
        PosixFile.truncate(fd, 8192);
        aio.preadv(5, fd.number(), iov(5, 4096), 1, 0, 0);
        aio.submit();
        try (Epoll epoll = Epoll.create(1)) {
            epoll.add(event.fd(), Epoll.EPOLLIN, 1);
            assertEquals(1, epoll.await(-1));
        }
        assertTrue(event.clear(block.address()));
        assertEquals(1, aio.reap(this::note));
        assertEquals(0, aio.reap(this::note));
        assertEquals(List.of(5), order);
    }

    @Test
    void letsAHandlerUseItsSlotAgain() {
        PosixFile.truncate(fd, 8192);
        int[] rounds = {0};
        aio.preadv(0, fd.number(), iov(0, 4096), 1, 0, 0);
        while (rounds[0] < 100) {
            aio.submit();
            aio.reap((slot, result) -> {
                assertEquals(4096, result);
                rounds[0]++;
                aio.preadv(slot, fd.number(), iov(slot, 4096), 1, 0, 0);
            });
        }
    }

    @Test
    void refusesSlotsItDoesNotHaveAndUseAfterClose() {
        assertThrows(IllegalArgumentException.class, () -> aio.preadv(DEPTH, 0, 0, 0, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> aio.preadv(-1, 0, 0, 0, 0, 0));
        aio.close();
        assertThrows(IllegalStateException.class, () -> aio.preadv(0, 0, 0, 0, 0, 0));
        assertThrows(IllegalStateException.class, () -> aio.submit());
        assertThrows(IllegalStateException.class, () -> aio.reap(this::note));
    }

    @Test
    void namesTheLimitWhenTheSystemHasNoMore() throws IOException {
        int most;
        // A buffered reader, because a sysctl file answers its first read only, and Files.readString begins with a byte.
        try (BufferedReader sysctl = Files.newBufferedReader(Path.of("/proc/sys/fs/aio-max-nr"))) {
            most = Integer.parseInt(sysctl.readLine());
        }
        PosixException refused = assertThrows(PosixException.class, () -> LinuxAio.open(most + 1, event));
        assertEquals(Errno.EAGAIN, refused.errno());
        assertTrue(refused.getMessage().contains("fs.aio-max-nr"), refused.getMessage());
    }

    private long iov(int slot, long lengthBytes) {
        long iov = block.address() + slot * 16L;
        Memory.putLong(iov, data + slot * 4096L);
        Memory.putLong(iov + 8, lengthBytes);
        return iov;
    }

    private void awaitAll(int count) {
        order.clear();
        try (Epoll epoll = Epoll.create(1)) {
            epoll.add(event.fd(), Epoll.EPOLLIN, 1);
            while (order.size() < count) {
                epoll.await(-1);
                event.clear(block.address() + 2048);
                aio.reap(this::note);
            }
        }
    }

    private void note(int slot, long result) {
        results[slot] = result;
        order.add(slot);
    }
}
