package io.vireo.virtio.driver;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads and writes of one size, a fixed number in flight, on one disk or several at once, for measuring: nothing is
 * verified but the status, and a request costs the driver as little as it can. Thread: {@link #run} on one;
 * {@link #stop} from any.
 */
public final class BenchLoad {
    private static final long WAIT_NANOS = 50_000_000;
    private static final long SHOW_NANOS = 1_000_000;

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

    /**
     * A disk that takes part.
     *
     * @param depth requests in flight in each of its queues; 0 leaves it idle
     */
    public record Part(DriverTransport transport, int depth) {}

    /** @param errors requests that did not end with status OK */
    public record Result(long requests, long errors, long elapsedNanos, LatencyHistogram latency, long kicks, long calls) {
        public double iops() {
            return requests * 1e9 / Math.max(1, elapsedNanos);
        }

        /** Of disks that ran at the same time. */
        public static Result sum(List<Result> disks) {
            LatencyHistogram latency = new LatencyHistogram();
            long requests = 0, errors = 0, elapsedNanos = 0, kicks = 0, calls = 0;
            for (Result disk : disks) {
                requests += disk.requests;
                errors += disk.errors;
                elapsedNanos = Math.max(elapsedNanos, disk.elapsedNanos);
                latency.add(disk.latency);
                kicks += disk.kicks;
                calls += disk.calls;
            }
            return new Result(requests, errors, elapsedNanos, latency, kicks, calls);
        }
    }

    private final Options options;
    private final List<BenchDisk> disks = new ArrayList<>();
    /** Made once: a method reference at the call would be an object a turn. */
    private final Runnable submit = this::submit;
    private volatile long shownRequests;
    private volatile boolean stopped;

    /** One disk, at the depth of its options. */
    public BenchLoad(DriverTransport transport, Options options) {
        this(List.of(new Part(transport, options.depth())), options);
    }

    /**
     * Several disks, driven in turns.
     *
     * @throws IllegalArgumentException a disk is smaller than a block, or a depth needs more descriptors than a queue has
     */
    public BenchLoad(List<Part> parts, Options options) {
        this.options = options;
        for (Part part : parts) disks.add(new BenchDisk(part, options, disks.size()));
    }

    /** Runs for the time of its options; the result of all disks together. */
    public Result run() {
        return Result.sum(run(options.durationNanos()));
    }

    /**
     * Runs for the time it is told, then waits for what is in flight.
     *
     * @return a result for each disk, in order
     * @throws DeviceFault a device broke the specification, or nothing at all completed for the stall time
     */
    public List<Result> run(long durationNanos) {
        List<BlkQueue> queues = disks.stream().flatMap(disk -> disk.queues().stream()).toList();
        try (CallWaiter waiter = new CallWaiter(queues, options.waiting())) {
            long start = System.nanoTime();
            long end = durationNanos == Long.MAX_VALUE ? Long.MAX_VALUE : start + durationNanos;
            int inFlight = 0;
            for (BenchDisk disk : disks) inFlight += disk.fill();
            long elapsed = drive(waiter, inFlight, start, end);
            stopped = false;
            return results(waiter, elapsed);
        }
    }

    /** Begins no more requests in the present run, or in the next if none is. */
    public void stop() {
        stopped = true;
    }

    private long drive(CallWaiter waiter, int filled, long start, long end) {
        int inFlight = filled;
        long now = start;
        long moved = start;
        long shown = start;
        boolean more = true;
        while (more || inFlight > 0) {
            more = !stopped && now < end;
            int reaped = 0;
            for (int i = 0; i < disks.size(); i++) reaped += disks.get(i).take(more);
            if (options.waiting() == Waiting.SPIN) submit();
            now = System.nanoTime();
            if (!more) inFlight -= reaped;
            if (now - shown > SHOW_NANOS) {
                shownRequests = completed();
                shown = now;
            }
            if (reaped > 0) {
                moved = now;
            } else if (inFlight > 0 && now - moved > options.stallNanos()) {
                throw new DeviceFault("nothing completed for " + (now - moved) / 1_000_000 + " ms; queue: " + waitedFor());
            } else if (more || inFlight > 0) {
                waiter.await(WAIT_NANOS, submit);
            }
        }
        return now - start;
    }

    private void submit() {
        for (int i = 0; i < disks.size(); i++) disks.get(i).submit();
    }

    private DriverVirtqueue waitedFor() {
        return disks.stream().flatMap(disk -> disk.queues().stream()).map(queue -> queue.queue().virtqueue())
                .filter(virtqueue -> virtqueue.inFlight() > 0).findFirst().orElseThrow();
    }

    private List<Result> results(CallWaiter waiter, long elapsed) {
        List<Result> results = new ArrayList<>();
        int queue = 0;
        for (BenchDisk disk : disks) {
            long calls = 0;
            for (int i = 0; i < disk.queues().size(); i++) calls += waiter.calls(queue++);
            results.add(disk.result(elapsed, calls));
        }
        return List.copyOf(results);
    }

    /** How many requests the present run has completed so far, to about a millisecond. From any thread. */
    public long completedRequests() {
        return shownRequests;
    }

    private long completed() {
        long sum = 0;
        for (int i = 0; i < disks.size(); i++) sum += disks.get(i).completed();
        return sum;
    }
}
