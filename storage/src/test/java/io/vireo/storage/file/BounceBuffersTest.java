package io.vireo.storage.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.IoVec;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memfd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.Operation;
import io.vireo.storage.node.TestRequest;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BounceBuffersTest {
    /** Keeps what it is given until the test lets go of it; checks that only what O_DIRECT takes comes here. */
    private static final class Held implements AioEngine {
        final byte[] bytes = new byte[4 << 20];
        final Deque<IoRequest> held = new ArrayDeque<>();

        @Override
        public AioMode kind() {
            return AioMode.THREADS;
        }

        @Override
        public void submit(int fd, IoRequest request) {
            assertTrue(BounceBuffers.isAligned(request.data(), 4095), "the piece is aligned");
            held.add(request);
        }

        void letGo(int errno) {
            IoRequest request = held.poll();
            IoVec data = request.data();
            int at = (int) request.nodeOffsetBytes();
            if (errno == 0 && request.operation() == Operation.READ) {
                Memory.copy(bytes, at, data.base(0), (int) data.lengthBytes(0));
            } else if (errno == 0) {
                Memory.copy(data.base(0), bytes, at, (int) data.lengthBytes(0));
            }
            request.complete(errno);
        }

        @Override
        public int flush() {
            return 0;
        }

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public int inFlight() {
            return held.size();
        }

        @Override
        public void close() {}
    }

    private final Held engine = new Held();
    private final BounceBuffers bounce = new BounceBuffers(engine, 3);
    private final Random random = new Random(5);

    @AfterEach
    void close() {
        bounce.close();
    }

    @Test
    void tellsAlignedBuffersFromOthers() {
        try (TestRequest r = new TestRequest(8192)) {
            assertTrue(BounceBuffers.isAligned(r.whole(8192).data, 4095));
            assertFalse(BounceBuffers.isAligned(r.scattered(8192, random).data, 511));
            assertTrue(BounceBuffers.isAligned(r.pieces(8192, 16).data, 511));
            assertFalse(BounceBuffers.isAligned(r.pieces(8192, 16).data, 4095));
        }
    }

    @Test
    void carriesARequestLargerThanABufferInPieces() {
        int length = 3 * BounceBuffers.BUFFER_BYTES + 4096;
        byte[] data = new byte[length];
        random.nextBytes(data);
        try (TestRequest r = new TestRequest(length)) {
            r.scattered(length, random).fill(data, 0);
            bounce.submit(r.request.write(8192, r.data, true));
            for (int piece = 0; piece < 4; piece++) {
                assertFalse(r.isDone());
                assertTrue(engine.held.peek().durable());
                engine.letGo(0);
            }
            assertEquals(0, r.errno);
            r.scattered(length, random).fill(0);
            bounce.submit(r.request.read(8192, r.data));
            while (!engine.held.isEmpty()) engine.letGo(0);
            assertEquals(0, r.errno);
            assertArrayEquals(data, r.bytes());
        }
    }

    @Test
    void endsARequestAtItsFirstFailure() {
        try (TestRequest r = new TestRequest(1 << 20)) {
            r.scattered(1 << 20, random);
            bounce.submit(r.request.write(0, r.data, false));
            engine.letGo(0);
            engine.letGo(Errno.ENOSPC);
            assertEquals(Errno.ENOSPC, r.errno);
            assertEquals(1, r.completions);
            assertEquals(0, engine.inFlight());
        }
    }

    @Test
    void letsRequestsWaitInOrderWhenItsBuffersAreTaken() {
        List<Integer> order = new ArrayList<>();
        List<TestRequest> all = new ArrayList<>();
        for (int i = 0; i < 3 * BounceBuffers.BUFFER_COUNT; i++) {
            int number = i;
            TestRequest r = new TestRequest(4096, (request, errno) -> order.add(number));
            r.scattered(4096, random);
            bounce.submit(r.request.read(4096L * i, r.data));
            all.add(r);
        }
        assertEquals(BounceBuffers.BUFFER_COUNT, engine.inFlight());
        while (engine.inFlight() > 0) engine.letGo(0);
        List<Integer> expected = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) expected.add(i);
        assertEquals(expected, order);
        all.forEach(TestRequest::close);
    }

    /** A guest may cut the file that its memory is: requests fail one by one, on no deeper a stack. */
    @Test
    void failsRequestsWhoseMemoryHasGone() {
        int count = 20_000;
        int[] faults = {0};
        try (Fd memory = Memfd.create("guest", 1 << 16);
                Mapping mapping = Mapping.shared(memory, 0, 1 << 16, true);
                NativeBlock entries = NativeBlock.allocate(IoVec.ENTRY_BYTES, 8);
                IoVec gone = new IoVec(entries.address(), 1, 1);
                TestRequest first = new TestRequest(4096)) {
            gone.add(mapping.address() + 1, 4096);
            PosixFile.truncate(memory, 0);
            for (int i = 0; i < BounceBuffers.BUFFER_COUNT; i++) {
                bounce.submit(new IoRequest((request, errno) -> {}).read(0, first.scattered(4096, random).data));
            }
            for (int i = 0; i < count; i++) {
                bounce.submit(new IoRequest((request, errno) -> faults[0] += errno == Errno.EFAULT ? 1 : 0)
                        .write(0, gone, false));
            }
            assertEquals(0, faults[0], "all wait");
            while (engine.inFlight() > 0) engine.letGo(0);
            assertEquals(count, faults[0]);
        }
    }
}
