package io.vireo.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.posix.Memory;
import io.vireo.virtio.driver.BenchLoad.Access;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(30)
class BenchLoadTest {
    @ParameterizedTest
    @CsvSource({"READ, 1, CALL", "WRITE, 32, CALL", "READ, 32, SPIN"})
    void everyRequestIsCountedOnce(Access access, int depth, Waiting waiting) {
        try (LoadBench bench = new LoadBench(2, 128, LoadBench.EVENT_IDX, FaultyDisk.Fault.NONE, 1).start()) {
            BenchLoad load = new BenchLoad(bench.transport,
                    BenchLoad.Options.of(access, 4096, depth, 100_000_000, waiting));
            BenchLoad.Result result = load.run();
            assertTrue(result.requests() >= 2L * depth, result::toString);
            assertEquals(result.requests(), bench.disk.served);
            assertEquals(result.requests(), result.latency().count());
            assertEquals(0, result.errors());
            assertTrue(result.elapsedNanos() >= 100_000_000);
            for (DriverQueue queue : bench.queues) assertEquals(0, queue.virtqueue().inFlight());
        }
    }

    @Test
    void severalDisksAreCountedEachForItself() {
        try (LoadBench deep = new LoadBench(2, 128, LoadBench.EVENT_IDX, FaultyDisk.Fault.NONE, 1).start();
                LoadBench shallow = new LoadBench(1, 128, 0, FaultyDisk.Fault.WRITE_ERROR, 2).start();
                LoadBench idle = new LoadBench(1, 128, 0, FaultyDisk.Fault.NONE, 3).start()) {
            BenchLoad load = new BenchLoad(List.of(new BenchLoad.Part(deep.transport, 16),
                    new BenchLoad.Part(shallow.transport, 1), new BenchLoad.Part(idle.transport, 0)),
                    BenchLoad.Options.of(Access.WRITE, 512, 1, 200_000_000, Waiting.CALL));
            List<BenchLoad.Result> results = load.run(200_000_000);
            List<LoadBench> benches = List.of(deep, shallow, idle);
            for (int i = 0; i < benches.size(); i++) {
                assertEquals(benches.get(i).disk.served, results.get(i).requests());
                assertEquals(results.get(i).requests(), results.get(i).latency().count());
                assertEquals(benches.get(i).disk.faults, results.get(i).errors());
            }
            assertTrue(results.get(0).requests() > 0 && results.get(1).errors() > 0, results::toString);
            assertEquals(0, results.get(2).requests());
            assertEquals(deep.disk.served + shallow.disk.served, BenchLoad.Result.sum(results).requests());
        }
    }

    @Test
    void nothingToDoTakesItsTime() {
        try (LoadBench bench = new LoadBench(1, 128, 0, FaultyDisk.Fault.NONE, 1).start()) {
            BenchLoad.Result result = new BenchLoad(bench.transport,
                    BenchLoad.Options.of(Access.READ, 512, 0, 150_000_000, Waiting.CALL)).run();
            assertEquals(0, result.requests());
            assertTrue(result.elapsedNanos() >= 150_000_000, result::toString);
        }
    }

    @Test
    void failedRequestsAreErrors() {
        try (LoadBench bench = new LoadBench(1, 128, 0, FaultyDisk.Fault.WRITE_ERROR, 1).start()) {
            BenchLoad.Result result = new BenchLoad(bench.transport,
                    BenchLoad.Options.of(Access.WRITE, 512, 8, 100_000_000, Waiting.CALL)).run();
            assertTrue(result.errors() > 0);
            assertEquals(bench.disk.faults, result.errors());
        }
    }

    @Test
    void aDeadDeviceIsNotWaitedForForEver() {
        try (LoadBench bench = new LoadBench(1, 128, 0, FaultyDisk.Fault.NONE, 1)) {
            BenchLoad load = new BenchLoad(bench.transport,
                    BenchLoad.Options.of(Access.READ, 512, 4, Long.MAX_VALUE, Waiting.CALL).withStallNanos(200_000_000));
            DeviceFault fault = assertThrows(DeviceFault.class, load::run);
            assertTrue(fault.getMessage().contains("in flight 4"), fault.getMessage());
        }
    }

    @Test
    void aDepthThatNeedsMoreDescriptorsThanThereAreIsRefused() {
        try (LoadBench bench = new LoadBench(1, 128, 0, FaultyDisk.Fault.NONE, 1)) {
            BenchLoad.Options tooDeep = BenchLoad.Options.of(Access.READ, 512, 43, 1, Waiting.CALL);
            assertThrows(IllegalArgumentException.class, () -> new BenchLoad(bench.transport, tooDeep));
            assertEquals(0, bench.queues.getFirst().virtqueue().inFlight());
        }
    }

    @ParameterizedTest
    @CsvSource({"READ, 100, 100", "RANDWRITE, 0, 0", "RW, 25, 40", "RANDRW, 60, 75"})
    void mixesReadsAndWritesAsTold(Access access, int leastPercent, int mostPercent) {
        try (LoadBench bench = new LoadBench(1, 128, 0, FaultyDisk.Fault.NONE, 1).start()) {
            BenchLoad.Options options = BenchLoad.Options.of(access, 512, 16, 200_000_000, Waiting.CALL)
                    .withReadPercent((leastPercent + mostPercent) / 2);
            BenchLoad.Result result = new BenchLoad(bench.transport, options).run();
            double percent = 100.0 * bench.disk.reads / result.requests();
            assertTrue(leastPercent <= percent && percent <= mostPercent, percent + " % of " + result);
        }
    }

    @Test
    void aTransportHasAQueue() {
        try (DriverMemory memory = DriverMemory.create(1 << 20)) {
            assertThrows(IllegalArgumentException.class,
                    () -> new DriverTransport(memory, List.of(), DiskFacts.of(1, 0)));
        }
    }
}
