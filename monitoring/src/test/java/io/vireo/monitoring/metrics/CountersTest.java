package io.vireo.monitoring.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CountersTest {
    @Test
    void countsARequestByOperationBytesAndTime() {
        var counters = new DeviceCounters(2);
        counters.requestCompleted(Op.WRITE, 4096, 1_500);
        counters.requestCompleted(Op.WRITE, 512, 20_000_000_000L);
        counters.requestCompleted(Op.READ, 0, -5);
        assertEquals(2, counters.requests(Op.WRITE));
        assertEquals(4608, counters.bytes(Op.WRITE));
        assertEquals(20_000_001_500L, counters.latencyNanos(Op.WRITE));
        assertEquals(1, counters.latencies(Op.WRITE, 1));
        assertEquals(1, counters.latencies(Op.WRITE, LatencyBuckets.COUNT - 1));
        assertEquals(0, counters.latencyNanos(Op.READ), "a clock gone back subtracts nothing");
        assertEquals(3, counters.requests());
    }

    @Test
    void givesEveryNumberACellOfItsOwn() {
        int queues = 3;
        var counters = new DeviceCounters(queues);
        long amount = 0;
        for (int op = 0; op < Op.COUNT; op++) {
            for (int bucket = 0; bucket < LatencyBuckets.COUNT; bucket++) {
                for (int i = 0; i <= op; i++) counters.requestCompleted(op, op + 1, LatencyBuckets.boundNanos(bucket) >>> 1 | 1);
            }
            for (int reason = 0; reason < Reason.COUNT; reason++) {
                for (int i = 0; i < op * Reason.COUNT + reason; i++) counters.requestFailed(op, reason);
            }
        }
        for (int queue = 0; queue < queues; queue++) {
            for (int i = 0; i < 100 + queue; i++) counters.kick(queue);
            for (int i = 0; i < 200 + queue; i++) counters.call(queue);
        }
        counters.cpuNanos(7_000_001);
        counters.throttledNanos(7_000_002);
        for (int op = 0; op < Op.COUNT; op++) {
            assertEquals((op + 1L) * LatencyBuckets.COUNT, counters.requests(op));
            assertEquals((op + 1L) * (op + 1) * LatencyBuckets.COUNT, counters.bytes(op));
            for (int reason = 0; reason < Reason.COUNT; reason++) {
                assertEquals(op * Reason.COUNT + reason, counters.errors(op, reason));
            }
        }
        for (int queue = 0; queue < queues; queue++) {
            assertEquals(100 + queue, counters.kicks(queue));
            assertEquals(200 + queue, counters.calls(queue));
        }
        assertEquals(7_000_001, counters.cpuNanos());
        assertEquals(7_000_002, counters.throttledNanos());
    }

    @Test
    void namesEveryReasonOnceAndUnknownErrnosOther() {
        assertEquals(Reason.COUNT, IntStream.range(0, Reason.COUNT).mapToObj(Reason::label).distinct().count());
        assertEquals("EIO", Reason.label(Reason.ofErrno(5)));
        assertEquals("ENOSPC", Reason.label(Reason.ofErrno(28)));
        assertEquals("out-of-range", Reason.label(Reason.OUT_OF_RANGE));
        assertEquals(Reason.OTHER, Reason.ofErrno(99));
        assertEquals(Reason.OTHER, Reason.ofErrno(0));
        assertEquals(Reason.OTHER, Reason.ofErrno(-5));
        assertEquals(Reason.OTHER, Reason.ofErrno(Integer.MAX_VALUE));
    }

    @Test
    void sortsBatchesByPowersOfTwo() {
        var counters = new IoThreadCounters();
        int[] sizes = {1, 2, 3, 4, 5, 64, 65, 128, 129, 1024};
        int[] buckets = {0, 1, 2, 2, 3, 6, 7, 7, 8, 8};
        long[] expected = new long[IoThreadCounters.BATCH_BUCKETS];
        for (int i = 0; i < sizes.length; i++) {
            counters.batch(sizes[i]);
            expected[buckets[i]]++;
            assertTrue(sizes[i] <= IoThreadCounters.batchBound(buckets[i]), "bound of " + sizes[i]);
        }
        for (int bucket = 0; bucket < expected.length; bucket++) assertEquals(expected[bucket], counters.batches(bucket), "bucket " + bucket);
        assertEquals(IntStream.of(sizes).sum(), counters.batchRequests());
    }

    @Test
    void tellsASleepingLoopFromAStuckOne() {
        var counters = new IoThreadCounters();
        assertEquals(0, counters.lastTurnAgeNanos(5_000));
        counters.turn(1_000);
        assertEquals(4_000, counters.lastTurnAgeNanos(5_000));
        counters.parked(5_000);
        assertEquals(0, counters.lastTurnAgeNanos(9_000));
        assertEquals(4_000, counters.idleNanos(9_000), "a sleep that lasts counts");
        counters.turn(10_000);
        assertEquals(5_000, counters.idleNanos(20_000));
        assertEquals(10_000, counters.lastTurnAgeNanos(20_000));
        assertEquals(2, counters.turns());
    }

    @Test
    void allocatesNothingWhileCounting() {
        var device = new DeviceCounters(4);
        var ioThread = new IoThreadCounters();
        countAll(device, ioThread, 20_000);
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        threads.getCurrentThreadAllocatedBytes();
        long before = threads.getCurrentThreadAllocatedBytes();
        long started = System.nanoTime();
        countAll(device, ioThread, 2_000_000);
        long nanos = System.nanoTime() - started;
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        System.out.println("CountersTest: " + nanos / 2_000_000 + " ns for all counters of a request and a turn");
        assertTrue(allocated < 1_000, allocated + " bytes in two million rounds");
    }

    private static void countAll(DeviceCounters device, IoThreadCounters ioThread, int rounds) {
        for (int i = 0; i < rounds; i++) {
            device.requestCompleted(i % Op.COUNT, 4096, i * 37L);
            device.requestFailed(i % Op.COUNT, Reason.ofErrno(i & 127));
            device.kick(i & 3);
            device.call(i & 3);
            device.cpuNanos(10);
            device.throttledNanos(1);
            ioThread.turn(i);
            ioThread.busyNanos(5);
            ioThread.pollingNanos(5);
            ioThread.ringEnters(i);
            ioThread.batch(i & 127);
            ioThread.parked(i);
        }
    }
}
