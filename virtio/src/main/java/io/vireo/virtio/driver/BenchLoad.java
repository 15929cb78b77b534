package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.*;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads or writes of one size at random places, a fixed number in flight, for measuring: nothing is verified but the
 * status, and a request costs the driver as little as it can. Thread: {@link #run} on one; {@link #stop} from any.
 */
public final class BenchLoad {
    private static final long WAIT_NANOS = 50_000_000;

    /** Header, data, status. */
    private static final int BUFFERS = 3;

    /** What every request is. */
    public enum Access { READ, WRITE }

    /** @param depth requests in flight, per queue */
    public record Options(Access access, int blockBytes, int depth, long durationNanos, Waiting waiting, long seed,
            long stallNanos) {
        /** @param durationNanos how long to run; {@link Long#MAX_VALUE}: until stopped */
        public static Options of(Access access, int blockBytes, int depth, long durationNanos, Waiting waiting) {
            return new Options(access, blockBytes, depth, durationNanos, waiting, 1, 10_000_000_000L);
        }
    }

    /** @param errors requests that did not end with status OK */
    public record Result(long requests, long errors, long elapsedNanos, LatencyHistogram latency, long kicks, long calls) {
        public double iops() {
            return requests * 1e9 / Math.max(1, elapsedNanos);
        }
    }

    private final Options options;
    private final List<BlkQueue> queues = new ArrayList<>();
    private final long blocks;
    private final int blockSectors;
    private long random;
    private long requests;
    private long errors;
    private volatile boolean stopped;

    /** @throws IllegalArgumentException the depth needs more descriptors than a queue has */
    public BenchLoad(DriverTransport transport, Options options) {
        this.options = options;
        blockSectors = options.blockBytes() / SECTOR_BYTES;
        blocks = transport.facts().capacitySectors() / blockSectors;
        random = options.seed() * 0x9E37_79B9_7F4A_7C15L | 1;
        for (DriverQueue queue : transport.queues()) {
            if (options.depth() > queue.virtqueue().chainsMax(BUFFERS))
                throw new IllegalArgumentException("depth " + options.depth() + " does not fit: " + queue.virtqueue());
            queues.add(new BlkQueue(transport.memory(), queue, options.depth(), options.blockBytes()));
        }
    }

    /** Runs for the time of its options. */
    public Result run() {
        return run(options.durationNanos());
    }

    /**
     * Runs for the time it is told, then waits for what is in flight.
     *
     * @throws DeviceFault the device broke the specification, or completed nothing at all for the stall time
     */
    public Result run(long durationNanos) {
        LatencyHistogram latency = new LatencyHistogram();
        requests = errors = 0;
        long kicks = kicks();
        try (CallWaiter waiter = new CallWaiter(queues, options.waiting())) {
            long start = System.nanoTime();
            long end = durationNanos == Long.MAX_VALUE ? Long.MAX_VALUE : start + durationNanos;
            fill();
            long elapsed = drive(waiter, latency, start, end);
            stopped = false;
            return new Result(requests, errors, elapsed, latency, kicks() - kicks, waiter.calls());
        }
    }

    /** Begins no more requests in the present run, or in the next if none is. */
    public void stop() {
        stopped = true;
    }

    private void fill() {
        for (BlkQueue queue : queues) {
            for (int slot = 0; slot < options.depth(); slot++) begin(queue, slot);
            queue.submit();
        }
    }

    private long drive(CallWaiter waiter, LatencyHistogram latency, long start, long end) {
        long now = start;
        long moved = start;
        int inFlight = queues.size() * options.depth();
        while (inFlight > 0) {
            boolean more = !stopped && now < end;
            int reaped = 0;
            for (int i = 0; i < queues.size(); i++) reaped += turn(queues.get(i), latency, more);
            now = System.nanoTime();
            if (!more) inFlight -= reaped;
            if (reaped > 0) {
                moved = now;
            } else if (now - moved > options.stallNanos()) {
                throw new DeviceFault("nothing completed for " + (now - moved) / 1_000_000 + " ms; queue: "
                        + queues.getFirst().queue().virtqueue());
            } else {
                waiter.await(WAIT_NANOS);
            }
        }
        return now - start;
    }

    private int turn(BlkQueue queue, LatencyHistogram latency, boolean more) {
        int pending = queue.pendingUsed();
        if (pending == 0) return 0;
        long now = System.nanoTime();
        for (int i = 0; i < pending; i++) {
            int slot = queue.reap();
            latency.record(now - queue.startNanos(slot));
            if (queue.status(slot) != S_OK) errors++;
            if (more) begin(queue, slot);
        }
        requests += pending;
        queue.submit();
        return pending;
    }

    private void begin(BlkQueue queue, int slot) {
        random ^= random << 13;
        random ^= random >>> 7;
        random ^= random << 17;
        long sector = Math.unsignedMultiplyHigh(random, blocks) * blockSectors;
        boolean read = options.access() == Access.READ;
        boolean room = queue.start(slot, read ? T_IN : T_OUT, sector, options.blockBytes(), read);
        assert room;
    }

    private long kicks() {
        long sum = 0;
        for (BlkQueue queue : queues) sum += queue.kicks();
        return sum;
    }
}
