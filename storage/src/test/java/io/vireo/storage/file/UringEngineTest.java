package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.posix.uring.Options;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UringEngineTest {
    private static final int FILE_BYTES = 1 << 20;

    @TempDir
    Path folder;

    private final TestLoop loop = new TestLoop();
    private Fd fd;

    @BeforeEach
    void openFile() {
        int flags = PosixFile.O_RDWR | PosixFile.O_CREAT;
        fd = loop.own(PosixFile.open(folder.resolve("disk.img").toString(), flags, 0600));
        PosixFile.truncate(fd, FILE_BYTES);
    }

    @AfterEach
    void closeLoop() {
        loop.close();
    }

    private int run(UringEngine engine, TestRequest r) {
        engine.submit(fd.number(), r.request);
        loop.runUntil(r::isDone);
        assertEquals(1, r.completions);
        return r.errno;
    }

    @Test
    void tellsOfWhatCouldNotBeMadeDurable() {
        List<Integer> lost = new ArrayList<>();
        UringEngine engine = Engines.uring(loop, Options.defaults(), result -> -Errno.EIO);
        TestRequest r = loop.own(new TestRequest(512)).whole(512);
        r.request.flush().onSyncFailure(lost::add);
        assertEquals(Errno.EIO, run(engine, r));
        assertEquals(List.of(Errno.EIO), lost);
        TestRequest read = loop.own(new TestRequest(512)).whole(512);
        read.request.read(0, read.data).onSyncFailure(lost::add);
        assertEquals(Errno.EIO, run(engine, read));
        assertEquals(1, lost.size(), "a read makes nothing durable");
    }

    /** The kernel moved everything but says less: what it is asked for next must be the rest, in its place. */
    @Test
    void continuesShortTransfersUntilAllIsMoved() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("UringEngineTest: -Dvireo.seed=" + seed);
        Random random = new Random(seed);
        int[] shortened = {0};
        UringEngine engine = Engines.uring(loop, Options.defaults(), result -> {
            if (result <= 1 || random.nextInt(3) == 0) return result;
            shortened[0]++;
            return 1 + random.nextInt(result - 1);
        });
        TestRequest r = loop.own(new TestRequest(FILE_BYTES));
        for (int round = 0; round < 50; round++) {
            byte[] data = new byte[1 + random.nextInt(100_000)];
            random.nextBytes(data);
            long offset = random.nextInt(FILE_BYTES - data.length);
            r.scattered(data.length, random).fill(data, 0);
            r.request.write(offset, r.data, false);
            assertEquals(0, run(engine, r), "seed " + seed);
            r.scattered(data.length, random).fill(0);
            r.request.read(offset, r.data);
            assertEquals(0, run(engine, r), "seed " + seed);
            assertArrayEquals(data, r.bytes(), "seed " + seed);
        }
        assertTrue(shortened[0] > 50);
    }

    @Test
    void triesAgainWhenInterruptedButNotForEver() {
        int[] failures = {3};
        UringEngine engine = Engines.uring(
                loop, Options.defaults(), result -> failures[0]-- > 0 ? -Errno.EAGAIN : result);
        TestRequest r = loop.own(new TestRequest(512)).whole(512);
        r.request.read(0, r.data);
        assertEquals(0, run(engine, r));
        failures[0] = Integer.MAX_VALUE;
        r.whole(512).request.read(0, r.data);
        assertEquals(Errno.EAGAIN, run(engine, r));
    }

    @Test
    void handsFailuresOn() {
        int[] errno = {0};
        UringEngine engine = Engines.uring(loop, Options.defaults(), result -> -errno[0]);
        TestRequest r = loop.own(new TestRequest(512));
        for (int each : new int[] {Errno.EIO, Errno.ENOSPC, Errno.EOPNOTSUPP}) {
            errno[0] = each;
            r.whole(512).request.write(0, r.data, true);
            assertEquals(each, run(engine, r));
            r.whole(0).request.flush();
            assertEquals(each, run(engine, r));
            r.whole(0).request.writeZeroes(0, 4096, false, true);
            assertEquals(each, run(engine, r));
        }
    }

    @Test
    void keepsRequestsInOrderWhileTheRingIsFull() {
        UringEngine engine = Engines.uring(loop, new Options(4, 8), result -> result);
        List<TestRequest> all = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            TestRequest r = loop.own(new TestRequest(512)).whole(512);
            r.request.read(512L * i, r.data);
            all.add(r);
        }
        for (TestRequest r : all) engine.submit(fd.number(), r.request);
        assertEquals(100, engine.inFlight());
        assertTrue(engine.hasWaiting());
        assertThrows(IllegalStateException.class, engine::close);
        for (TestRequest r : all) loop.runUntil(r::isDone);
        for (TestRequest r : all) assertEquals(0, r.errno);
        assertEquals(0, engine.inFlight());
    }

    @Test
    void refusesATagThatDoesNotFitItsByte() {
        assertThrows(IllegalArgumentException.class, () -> new UringEngine(null, 256));
        assertThrows(IllegalArgumentException.class, () -> new UringEngine(null, -1));
    }

    @Test
    void allocatesNothingPerRequest() {
        UringEngine engine = Engines.uring(loop, Options.defaults(), result -> result);
        int depth = 16;
        TestRequest[] requests = new TestRequest[depth];
        for (int i = 0; i < depth; i++) requests[i] = loop.own(new TestRequest(512));
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        // What is not compiled yet allocates in the interpreter, so the leanest of several rounds counts.
        long leanest = Long.MAX_VALUE;
        for (int round = 0; round < 8 && leanest > 0; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            churn(engine, requests, 100_000);
            leanest = Math.min(leanest, threads.getCurrentThreadAllocatedBytes() - before);
        }
        long allocated = leanest;
        assertTrue(allocated < 10_000, () -> "bytes allocated for 100000 requests: " + allocated);
    }

    private void churn(UringEngine engine, TestRequest[] requests, int count) {
        for (int done = 0; done < count; done += requests.length) {
            for (int i = 0; i < requests.length; i++) {
                TestRequest r = requests[i].whole(512);
                r.request.read(512L * i, r.data);
                engine.submit(fd.number(), r.request);
            }
            for (TestRequest r : requests) while (!r.isDone()) loop.turn();
        }
    }
}
