package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.*;

import io.vireo.virtio.driver.BenchLoad.Options;
import java.util.ArrayList;
import java.util.List;

/** One disk of a {@link BenchLoad}: its queues, where it goes next, and what came of the present run. Thread: the load's. */
final class BenchDisk {
    /** Header, data, status. */
    private static final int BUFFERS = 3;

    private final Options options;
    private final int depth;
    private final List<BlkQueue> queues = new ArrayList<>();
    private final long blocks;
    private final int blockSectors;
    /** Compared with a draw of 0..99: a request below it is a read. */
    private final int readsBelow;
    private long random;
    private long nextBlock;
    private long completed;
    private long errors;
    private long kicksBefore;
    private LatencyHistogram latency;

    BenchDisk(BenchLoad.Part part, Options options, int index) {
        this.options = options;
        depth = part.depth();
        DriverTransport transport = part.transport();
        blockSectors = options.blockBytes() / SECTOR_BYTES;
        blocks = transport.facts().capacitySectors() / blockSectors;
        if (blocks == 0) throw new IllegalArgumentException("the disk has less than one block of " + options.blockBytes());
        readsBelow = !options.access().writes() ? 100 : !options.access().reads() ? 0 : options.readPercent();
        random = (options.seed() + index) * 0x9E37_79B9_7F4A_7C15L | 1;
        if (depth == 0) return;
        for (DriverQueue queue : transport.queues()) {
            if (depth > queue.virtqueue().chainsMax(BUFFERS))
                throw new IllegalArgumentException("depth " + depth + " does not fit: " + queue.virtqueue());
            queues.add(new BlkQueue(transport.memory(), queue, depth, options.blockBytes()));
        }
    }

    /** Those that have requests in flight: none where the depth is 0. */
    List<BlkQueue> queues() {
        return queues;
    }

    long completed() {
        return completed;
    }

    /** Begins a run: fills the queues, and answers how many requests that are. */
    int fill() {
        completed = errors = 0;
        kicksBefore = kicks();
        latency = new LatencyHistogram();
        for (BlkQueue queue : queues) {
            for (int slot = 0; slot < depth; slot++) begin(queue, slot);
            queue.submit();
        }
        return queues.size() * depth;
    }

    /**
     * Takes in what is done.
     *
     * @param more whether to begin a request for each that is; the device sees it after {@link #submit}
     * @return how many were done
     */
    int take(boolean more) {
        int reaped = 0;
        for (int i = 0; i < queues.size(); i++) reaped += take(queues.get(i), more);
        completed += reaped;
        return reaped;
    }

    /** Hands in what was begun. */
    void submit() {
        for (int i = 0; i < queues.size(); i++) queues.get(i).submit();
    }

    private int take(BlkQueue queue, boolean more) {
        int pending = queue.pendingUsed();
        if (pending == 0) return 0;
        long now = System.nanoTime();
        for (int i = 0; i < pending; i++) {
            int slot = queue.reap();
            latency.record(now - queue.startNanos(slot));
            if (queue.status(slot) != S_OK) errors++;
            if (more) begin(queue, slot);
        }
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

    BenchLoad.Result result(long elapsedNanos, long calls) {
        return new BenchLoad.Result(completed, errors, elapsedNanos, latency, kicks() - kicksBefore, calls);
    }

    private long kicks() {
        long sum = 0;
        for (BlkQueue queue : queues) sum += queue.kicks();
        return sum;
    }
}
