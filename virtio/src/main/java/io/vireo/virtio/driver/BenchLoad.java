package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.*;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads and writes of one size, a fixed number in flight, for measuring: nothing is verified but the status, and a
 * request costs the driver as little as it can. Thread: {@link #run} on one; {@link #stop} from any.
 */
public final class BenchLoad {
    private static final long WAIT_NANOS = 50_000_000;
    private static final long SHOW_NANOS = 1_000_000;

    /** Header, data, status. */
    private static final int BUFFERS = 3;

    /** What is done and where, in fio's words: in order from the start, or at random places. */
    public enum Access {
        READ,
        WRITE,
        RW,
        RANDREAD,
        RANDWRITE,
        RANDRW;

        boolean random() {
            return this == RANDREAD || this == RANDWRITE || this == RANDRW;
        }

        public boolean reads() {
            return this != WRITE && this != RANDWRITE;
        }

        public boolean writes() {
            return this != READ && this != RANDREAD;
        }
    }

    /**
     * @param readPercent of the requests of an access that both reads and writes
     * @param depth requests in flight, per queue
     * @param durationNanos how long to run; {@link Long#MAX_VALUE}: until stopped
     * @param stallNanos when nothing completed for so long, the device is given up
     */
    public record Options(Access access, int readPercent, int blockBytes, int depth, long durationNanos, Waiting waiting,
            long seed, long stallNanos) {
        public static Options of(Access access, int blockBytes, int depth, long durationNanos, Waiting waiting) {
            return new Options(access, 50, blockBytes, depth, durationNanos, waiting, 1, 10_000_000_000L);
        }

        public Options withReadPercent(int value) {
            return new Options(access, value, blockBytes, depth, durationNanos, waiting, seed, stallNanos);
        }

        public Options withStallNanos(long value) {
            return new Options(access, readPercent, blockBytes, depth, durationNanos, waiting, seed, value);
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
    /** Compared with a draw of 0..99: a request below it is a read. */
    private final int readsBelow;
    private long random;
    private long nextBlock;
    private long completed;
    private volatile long shownRequests;
    private long errors;
    private volatile boolean stopped;

    /** @throws IllegalArgumentException the disk is smaller than a block, or the depth needs more descriptors than a queue has */
    public BenchLoad(DriverTransport transport, Options options) {
        this.options = options;
        blockSectors = options.blockBytes() / SECTOR_BYTES;
        blocks = transport.facts().capacitySectors() / blockSectors;
        if (blocks == 0) throw new IllegalArgumentException("the disk has less than one block of " + options.blockBytes());
        readsBelow = !options.access().writes() ? 100 : !options.access().reads() ? 0 : options.readPercent();
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
        completed = errors = 0;
        long kicks = kicks();
        try (CallWaiter waiter = new CallWaiter(queues, options.waiting())) {
            long start = System.nanoTime();
            long end = durationNanos == Long.MAX_VALUE ? Long.MAX_VALUE : start + durationNanos;
            fill();
            long elapsed = drive(waiter, latency, start, end);
            stopped = false;
            return new Result(completed, errors, elapsed, latency, kicks() - kicks, waiter.calls());
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
        long shown = start;
        int inFlight = queues.size() * options.depth();
        while (inFlight > 0) {
            boolean more = !stopped && now < end;
            int reaped = 0;
            for (int i = 0; i < queues.size(); i++) reaped += turn(queues.get(i), latency, more);
            now = System.nanoTime();
            if (!more) inFlight -= reaped;
            if (now - shown > SHOW_NANOS) {
                shownRequests = completed;
                shown = now;
            }
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
        completed += pending;
        queue.submit();
        return pending;
    }

    private void begin(BlkQueue queue, int slot) {
        random ^= random << 13;
        random ^= random >>> 7;
        random ^= random << 17;
        long block = options.access().random() ? Math.unsignedMultiplyHigh(random, blocks) : nextBlock++ % blocks;
        boolean read = (random & 0x7FFF_FFFF) % 100 < readsBelow;
        boolean room = queue.start(slot, read ? T_IN : T_OUT, block * blockSectors, options.blockBytes(), read);
        assert room;
    }

    /** How many requests the present run has completed so far, to about a millisecond. From any thread. */
    public long completedRequests() {
        return shownRequests;
    }

    private long kicks() {
        long sum = 0;
        for (BlkQueue queue : queues) sum += queue.kicks();
        return sum;
    }
}
