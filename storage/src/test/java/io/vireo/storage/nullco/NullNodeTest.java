package io.vireo.storage.nullco;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.BlockNodeContract;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.TestLoop;
import io.vireo.storage.node.TestRequest;
import io.vireo.storage.raw.RawNode;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class NullNodeTest {
    private static NullNode node(boolean readZeroes, long latencyNanos) {
        return new NullNode("n0", new NullNode.Options(1 << 20, false, readZeroes, latencyNanos));
    }

    private abstract static class Zeroes extends BlockNodeContract {
        final long latencyNanos;

        Zeroes(long latencyNanos) {
            this.latencyNanos = latencyNanos;
        }

        @Override
        protected void equip(TestLoop loop) {}

        @Override
        protected BlockNode openNode(boolean readOnly) {
            return new NullNode("n0", new NullNode.Options(SIZE_BYTES, readOnly, true, latencyNanos));
        }

        @Override
        protected boolean stores() {
            return false;
        }
    }

    @Nested
    class AtOnce extends Zeroes {
        AtOnce() {
            super(0);
        }
    }

    @Nested
    class Late extends Zeroes {
        Late() {
            super(20_000);
        }
    }

    @Test
    void leavesBuffersAloneUnlessToldToZeroThem() throws Exception {
        try (TestLoop loop = new TestLoop();
                NodeChannel channel = node(false, 0).open(loop);
                TestRequest r = new TestRequest(512).whole(512)) {
            r.fill(0x42);
            channel.submit(r.request.read(0, r.data));
            assertEquals(1, r.completions, "done inside submit");
            assertEquals(0x42, r.bytes()[511]);
        }
    }

    @Test
    void completesEachRequestWhenItsLatencyIsOverAndNotBefore() throws Exception {
        try (TestLoop loop = new TestLoop().freeze();
                NodeChannel channel = node(true, 1000).open(loop);
                TestRequest first = new TestRequest(512).whole(512);
                TestRequest second = new TestRequest(512).whole(512)) {
            channel.submit(first.request.read(0, first.data));
            loop.advance(400);
            channel.submit(second.request.flush());
            loop.advance(599);
            loop.turn();
            assertFalse(first.isDone());
            loop.advance(1);
            loop.turn();
            assertTrue(first.isDone());
            assertFalse(second.isDone());
            loop.advance(400);
            loop.turn();
            assertTrue(second.isDone());
            assertEquals(2, loop.timersSet, "one timer at a time");
        }
    }

    @Test
    void completesWhatIsDueTogetherInTheOrderOfSubmission() throws Exception {
        List<IoRequest> order = new ArrayList<>();
        try (TestLoop loop = new TestLoop().freeze();
                NodeChannel channel = node(true, 1000).open(loop);
                TestRequest a = new TestRequest(512, (done, _) -> order.add(done)).whole(512);
                TestRequest b = new TestRequest(512, (done, _) -> order.add(done)).whole(512);
                TestRequest c = new TestRequest(512, (done, _) -> order.add(done)).whole(512)) {
            channel.submit(b.request.write(0, b.data, false));
            channel.submit(a.request.read(0, a.data));
            loop.advance(10);
            channel.submit(c.request.flush());
            loop.advance(5000);
            loop.turn();
            assertEquals(List.of(b.request, a.request, c.request), order);
            assertEquals(1, loop.timersSet, "one timer for all that it finds due");
            assertEquals(0, a.errno + b.errno + c.errno);
        }
    }

    @Test
    void givesARequestFromInsideACompletionAFullLatency() throws Exception {
        NodeChannel[] opened = new NodeChannel[1];
        try (TestLoop loop = new TestLoop().freeze();
                NodeChannel channel = opened[0] = node(true, 1000).open(loop);
                TestRequest next = new TestRequest(512).whole(512);
                TestRequest first = new TestRequest(512, (_, _) -> opened[0].submit(next.request.read(0, next.data))).whole(512)) {
            channel.submit(first.request.flush());
            loop.advance(1000);
            loop.turn();
            assertTrue(first.isDone());
            loop.advance(999);
            loop.turn();
            assertFalse(next.isDone());
            loop.advance(1);
            loop.turn();
            assertTrue(next.isDone());
        }
    }

    @Test
    void answersAtOnceWhatItRefuses() throws Exception {
        try (TestLoop loop = new TestLoop().freeze();
                NodeChannel channel = node(true, 1000).open(loop);
                TestRequest r = new TestRequest(512).whole(512)) {
            channel.submit(r.request.read(1 << 20, r.data));
            assertEquals(Errno.EINVAL, r.errno);
        }
    }

    @Test
    void doesNotCloseOverRequestsInFlight() throws Exception {
        try (TestLoop loop = new TestLoop().freeze();
                NodeChannel channel = node(true, 1000).open(loop);
                TestRequest r = new TestRequest(512).whole(512)) {
            channel.submit(r.request.read(0, r.data));
            assertThrows(IllegalStateException.class, channel::close);
            loop.advance(1000);
            loop.turn();
            assertTrue(r.isDone());
        }
    }

    @Test
    void allocatesNothingPerRequestNotEvenThroughAWindow() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (TestLoop loop = new TestLoop().freeze();
                NodeChannel atOnce = RawNode.window("r0", node(true, 0), 4096, 65536).open(loop);
                NodeChannel late = RawNode.window("r1", node(true, 10), 4096, 65536).open(loop);
                TestRequest a = new TestRequest(512).whole(512);
                TestRequest b = new TestRequest(512).whole(512)) {
            long leanest = Long.MAX_VALUE;
            for (int round = 0; round < 8 && leanest > 0; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 100_000; i++) atOnce.submit(a.request.read(512, a.data));
                // One timer for the lot, which the test's loop may allocate.
                for (int i = 0; i < 1000; i++) {
                    late.submit(b.request.write(512, b.data, true));
                    loop.advance(10);
                    loop.turn();
                }
                leanest = Math.min(leanest, threads.getCurrentThreadAllocatedBytes() - before);
            }
            assertEquals(0, b.errno);
            long allocated = leanest;
            assertTrue(allocated < 1000 * 64, () -> "bytes allocated: " + allocated);
        }
    }

    @Test
    void refusesASizeThatIsNotWholeSectors() {
        assertThrows(IllegalArgumentException.class, () -> new NullNode.Options(1000, false, false, 0));
        assertThrows(IllegalArgumentException.class, () -> new NullNode.Options(0, false, false, 0));
    }
}
