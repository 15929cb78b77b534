package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vireo.actors.iothread.IoThread;
import io.vireo.monitoring.metrics.IoThreadCounters;
import io.vireo.storage.nullco.NullNode;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What an IOThread allocates for requests, with all actors in their path. */
class BatchAllocationTest {
    private static final int REQUESTS = 1_000_000;
    private static final int WARM_UP = 100_000;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Plane plane = new Plane();
    private final IoThread ioThread = plane.ioThread("io0");
    private final NullNode node = new NullNode("null", new NullNode.Options(1 << 20, false, false, 0));

    @AfterEach
    void end() {
        plane.close();
    }

    @Test
    void allocatesAtMost256BytesABatchAtDepth1() {
        assertAllocates(1, 256);
    }

    @Test
    void allocatesAtMost4BytesARequestAtDepth128() {
        assertAllocates(128, 4);
    }

    private void assertAllocates(int depth, double bytesARequestMax) {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, depth)) {
            // One by one first: it is batches that make code hot.
            drive(driven, 1, WARM_UP);
            drive(driven, depth, WARM_UP);
            long thread = ioThread.thread().threadId();
            long before = THREADS.getThreadAllocatedBytes(thread);
            long batchesBefore = batches();
            drive(driven, depth, REQUESTS);
            double bytes = THREADS.getThreadAllocatedBytes(thread) - before;
            long batches = batches() - batchesBefore;
            String measured = "depth %d: %.3f B a request, %.1f B a batch".formatted(depth, bytes / REQUESTS, bytes / batches);
            System.out.println(measured);
            assertTrue(bytes / batches <= 256, measured);
            assertTrue(bytes / REQUESTS <= bytesARequestMax, measured);
        }
    }

    private long batches() {
        long sum = 0;
        for (int i = 0; i < IoThreadCounters.BATCH_BUCKETS; i++) sum += ioThread.counters().batches(i);
        return sum;
    }

    /**
     * Rounds of {@code depth} requests, each begun when the one before is done: a driver that came back for every
     * completed request would make batches of one, whatever its depth.
     */
    private static void drive(DrivenDevice driven, int depth, int requests) {
        for (int done = 0; done < requests; done += depth) {
            for (int slot = 0; slot < depth; slot++) driven.read(slot);
            driven.queue.submit();
            Plane.await("the round", () -> driven.queue.pendingUsed() == depth);
            for (int i = 0; i < depth; i++) driven.queue.reap();
        }
        Plane.await("the interrupt actor", () -> driven.passage().decided() == driven.passage().drained());
    }
}
