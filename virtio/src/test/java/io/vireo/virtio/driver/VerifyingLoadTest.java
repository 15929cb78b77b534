package io.vireo.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vireo.virtio.driver.FaultyDisk.Fault;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class VerifyingLoadTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final LoadOptions OPTIONS = LoadOptions.of(SEED).withRequestsMax(6000).withDataBytesMax(16 << 10);

    static {
        System.out.println("VerifyingLoadTest -Dvireo.seed=" + SEED);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 0, CALL", "1, 32, 0, CALL", "1, 32, 0x20000000, CALL", "1, 32, 0x10000000, CALL",
            "1, 128, 0x30000000, CALL", "1, 8, 0x30000000, SPIN", "2, 16, 0x30000000, CALL", "2, 16, 0, SPIN"})
    void aFaithfulDiskIsClean(int queues, int depth, long features, Waiting waiting) throws Exception {
        try (LoadBench bench = new LoadBench(queues, 128, features, Fault.NONE, SEED).start()) {
            VerifyingLoad load = new VerifyingLoad(bench.transport, OPTIONS.withDepth(depth).withWaiting(waiting));
            LoadResult result = load.run();
            assertTrue(result.clean(), result::toString);
            assertEquals(6000, result.requestsTotal());
            assertEquals(6000, result.latency().count());
            assertEquals(6000, load.completedRequests());
            assertEquals(result.bytesRead() + result.bytesWritten(), load.completedBytes());
            assertTrue(result.verifiedSectors() > 10_000, result::toString);
            for (LoadOperation operation : LoadOperation.values())
                assertTrue(result.requests().get(operation) > 0, operation + " in " + result);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CORRUPT_READ", "CORRUPT_WRITE", "LOST_WRITE", "MISDIRECTED_WRITE", "MISDIRECTED_READ",
            "STALE_READ", "TORN_WRITE", "SHORT_READ", "LOST_ZEROES", "SWAPPED_SECTORS"})
    void wrongDataIsFound(Fault fault) throws Exception {
        try (LoadBench bench = new LoadBench(1, 128, LoadBench.EVENT_IDX, fault, SEED).start()) {
            LoadOptions options = OPTIONS.withWindowSectors(1024).withMix(new RequestMix(45, 43, 3, 0, 9, 0));
            LoadResult result = new VerifyingLoad(bench.transport, options).run();
            assertTrue(bench.disk.faults > 0);
            assertTrue(result.mismatchedSectors() > 0, result::toString);
            assertFalse(result.clean());
            assertTrue(result.complaints().getFirst().matches("sector \\d+: expected .*, found .*"), result::toString);
        }
    }

    @Test
    void anotherIdentityIsFound() throws Exception {
        try (LoadBench bench = new LoadBench(1, 128, 0, Fault.OTHER_ID, SEED).start()) {
            LoadResult result = new VerifyingLoad(bench.transport, OPTIONS).run();
            assertTrue(result.errors().get(LoadOperation.GET_ID) > 0, result::toString);
            assertEquals(0, result.mismatchedSectors());
        }
    }

    @Test
    void failedWritesAreErrorsAndLeaveTheirSectorsUnknown() throws Exception {
        try (LoadBench bench = new LoadBench(1, 128, 0, Fault.WRITE_ERROR, SEED).start()) {
            LoadResult result = new VerifyingLoad(bench.transport, OPTIONS).run();
            assertEquals(bench.disk.faults, result.errors().get(LoadOperation.WRITE), result::toString);
            assertTrue(result.errors().get(LoadOperation.WRITE) > 0);
            assertEquals(0, result.mismatchedSectors(), result::toString);
            assertFalse(result.clean());
        }
    }

    @Test
    void anUnsupportedOperationIsDroppedFromTheMix() throws Exception {
        try (LoadBench bench = new LoadBench(1, 128, 0, Fault.DISCARD_UNSUPPORTED, SEED).start()) {
            LoadResult result = new VerifyingLoad(bench.transport, OPTIONS.withDepth(4)).run();
            assertTrue(result.requests().get(LoadOperation.DISCARD) <= 4, result::toString);
            assertEquals(result.requests().get(LoadOperation.DISCARD), result.errors().get(LoadOperation.DISCARD));
        }
    }

    @Test
    void aRequestThatNeverComesBackIsNamed() throws Exception {
        try (LoadBench bench = new LoadBench(1, 128, 0, Fault.DROPPED_REQUEST, SEED).start()) {
            LoadResult result =
                    new VerifyingLoad(bench.transport, OPTIONS.withStallNanos(300_000_000)).run();
            assertTrue(result.failure().isPresent(), result::toString);
            assertTrue(result.failure().get().matches("(?s)[A-Z_]+ of \\d+ sectors at \\d+ \\(queue 0, slot \\d+\\): "
                    + "outstanding for \\d+ ms; queue: .*in flight [1-9]\\d*"), result.failure()::get);
        }
    }

    @Test
    void anotherDeviceMayFinishWhatTheFirstLeft() throws Exception {
        try (LoadBench bench = new LoadBench(2, 64, LoadBench.EVENT_IDX | LoadBench.INDIRECT, Fault.NONE, SEED)) {
            VerifyingLoad load = new VerifyingLoad(bench.transport, OPTIONS.withRequestsMax(Long.MAX_VALUE));
            bench.start();
            for (int round = 0; round < 5; round++) {
                LoadResult result = runUntilServed(bench, load, load::leave);
                assertTrue(result.clean(), result::toString);
                bench.replaceDevices();
            }
            LoadResult last = runUntilServed(bench, load, load::stop);
            assertTrue(last.clean(), last::toString);
            for (DriverQueue queue : bench.queues) assertEquals(0, queue.virtqueue().inFlight());
        }
    }

    private static LoadResult runUntilServed(LoadBench bench, VerifyingLoad load, Runnable end) throws Exception {
        long enough = bench.disk.served + 500;
        Thread ender = new Thread(() -> {
            while (bench.disk.served < enough) Thread.onSpinWait();
            end.run();
        });
        ender.start();
        LoadResult result = load.run();
        ender.join();
        return result;
    }

    @ParameterizedTest
    @EnumSource(Waiting.class)
    void theSteadyStateAllocatesNothing(Waiting waiting) throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (LoadBench bench =
                new LoadBench(1, 128, LoadBench.EVENT_IDX | LoadBench.INDIRECT, Fault.NONE, SEED).start()) {
            LoadOptions options = OPTIONS.withDataBytesMax(2048).withWaiting(waiting).withDepth(16).withSweep(false);
            VerifyingLoad few = new VerifyingLoad(bench.transport, options.withRequestsMax(2000));
            VerifyingLoad many = new VerifyingLoad(bench.transport, options.withRequestsMax(42_000));
            few.run();
            many.run();
            long start = threads.getCurrentThreadAllocatedBytes();
            assertTrue(few.run().failure().isEmpty());
            long middle = threads.getCurrentThreadAllocatedBytes();
            assertTrue(many.run().failure().isEmpty());
            long perRequest = (threads.getCurrentThreadAllocatedBytes() - middle - (middle - start)) * 1000 / 40_000;
            assertTrue(perRequest < 500, perRequest + " bytes per 1000 requests");
        }
    }
}
