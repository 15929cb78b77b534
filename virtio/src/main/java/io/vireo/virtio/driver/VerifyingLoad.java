package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.*;

import io.vireo.posix.Memory;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Random mixed I/O in which every sector that is read is compared with what was last written to it. Corrupt, torn,
 * stale and misdirected data all show, for each sector's content names sector and write; no two requests that overlap
 * are in flight together, so there is one right answer. A sector whose write failed, or that was discarded, is unknown
 * until it is written again.
 *
 * <p>Data is cut into up to four buffers anywhere, one header in sixteen into two, and one buffer in eight starts at an
 * odd address: drivers may (virtio 1.3, 2.7.4). Thread: {@link #run} on one, which owns the virtqueues meanwhile;
 * {@link #stop} and the progress from any. Steady state allocates nothing.
 */
public final class VerifyingLoad {
    private static final int PIECES_MAX = 4;
    /** Two buffers of header and one of status beside the data. */
    private static final int OTHER_BUFFERS = 3;

    private static final int SHIFT_MAX = SECTOR_BYTES;
    private static final int COLLISIONS_MAX = 16;
    private static final long WAIT_NANOS = 50_000_000;

    private final DriverTransport transport;
    private final LoadOptions options;
    private final List<BlkQueue> queues = new ArrayList<>();
    private final LoadSlots slots;
    private final SplittableRandom random;
    private final SectorMap map;
    private final LoadJudge judge;
    private final RequestDraw draw;
    private final long windowStart;
    private final int piecesMax;
    private int generation;
    private LoadTally tally = new LoadTally();
    private volatile LoadTally shownTally = tally;
    private volatile boolean stopped;
    private volatile boolean left;

    private boolean sweeping;
    private int sweepNext;
    private long begun;
    private long endNanos;

    /** Takes what it needs from the transport's memory: per queue and slot about {@code dataBytesMax} + 4 KiB. */
    public VerifyingLoad(DriverTransport transport, LoadOptions options) {
        this.transport = transport;
        this.options = options;
        random = new SplittableRandom(options.seed());
        int blockSectors = transport.facts().blockBytes() / SECTOR_BYTES;
        long capacity = transport.facts().capacitySectors() / blockSectors * blockSectors;
        map = new SectorMap((int) Math.min(capacity, options.windowSectors() / blockSectors * blockSectors));
        windowStart = capacity - map.sectors();
        judge = new LoadJudge(options.seed(), map, windowStart);
        draw = new RequestDraw(random, transport.facts(), options, map.sectors());
        int buffersMax = Integer.MAX_VALUE;
        for (DriverQueue queue : transport.queues()) {
            queues.add(new BlkQueue(transport.memory(), queue, options.depth(), options.dataBytesMax() + SHIFT_MAX));
            buffersMax = Math.min(buffersMax, queue.virtqueue().buffersMax());
        }
        if (buffersMax <= OTHER_BUFFERS) throw new IllegalArgumentException("chains of only " + buffersMax + " buffers");
        piecesMax = Math.min(PIECES_MAX, Math.min(buffersMax - OTHER_BUFFERS, transport.facts().segmentsMax()));
        slots = new LoadSlots(queues.size(), options.depth());
    }

    /**
     * Runs until the time, the number of requests or {@link #stop} ends it, then waits for what is in flight and sweeps.
     * May be called again: what is known of the sectors stays known. After {@link #leave} it first waits for the requests
     * it left in flight, which a device is to be serving again.
     */
    public LoadResult run() {
        tally = shownTally = new LoadTally();
        begun = 0;
        for (BlkQueue queue : queues) queue.restartWaiting();
        long kicksBefore = kicks();
        long start = System.nanoTime();
        endNanos = options.durationNanos() == Long.MAX_VALUE ? Long.MAX_VALUE : start + options.durationNanos();
        long elapsed = 0;
        long calls = 0;
        try (CallWaiter waiter = new CallWaiter(queues, options.waiting())) {
            try {
                sweeping = false;
                drive(waiter);
                elapsed = System.nanoTime() - start;
                sweeping = options.sweep() && !left;
                sweepNext = 0;
                if (sweeping) drive(waiter);
            } catch (DeviceFault fault) {
                tally.fail(fault.getMessage());
                if (elapsed == 0) elapsed = System.nanoTime() - start;
            }
            calls = waiter.calls();
        }
        stopped = left = false;
        tally.publishProgress();
        return tally.result(elapsed, kicks() - kicksBefore, calls);
    }

    /** Begins no more requests in the present run, or in the next if none is. */
    public void stop() {
        stopped = true;
    }

    /** Ends the run at once, whatever is in flight: for when the device is gone and another will go on with the rings. */
    public void leave() {
        left = true;
    }

    /** Requests completed so far in this run; the sweep does not count. */
    public long completedRequests() {
        return shownTally.progressRequests.getAcquire();
    }

    /** Bytes read and written so far. */
    public long completedBytes() {
        return shownTally.progressBytes.getAcquire();
    }

    public long verifiedSectors() {
        return shownTally.progressVerified.getAcquire();
    }

    public long mismatchedSectors() {
        return shownTally.progressMismatched.getAcquire();
    }

    private void drive(CallWaiter waiter) {
        long stallCheck = System.nanoTime();
        while (!left) {
            boolean moved = reapAll();
            long now = System.nanoTime();
            if (wantsMore(now)) refillAll();
            tally.publishProgress();
            if (slots.inFlight() == 0 && !wantsMore(now)) return;
            if (now - stallCheck > Math.min(WAIT_NANOS, options.stallNanos() / 4)) {
                stallCheck = now;
                checkStall(now);
            }
            if (!moved) waiter.await(Math.min(WAIT_NANOS, options.stallNanos() / 4));
        }
    }

    private boolean wantsMore(long now) {
        if (sweeping) return sweepNext < map.sectors();
        return !stopped && begun < options.requestsMax() && now < endNanos;
    }

    private boolean reapAll() {
        boolean moved = false;
        for (int q = 0; q < queues.size(); q++) {
            BlkQueue queue = queues.get(q);
            int pending = queue.pendingUsed();
            if (pending == 0) continue;
            moved = true;
            long now = System.nanoTime(); // one for all: they were complete before the first is verified
            for (int i = 0; i < pending; i++) complete(q, queue.reap(), now);
        }
        return moved;
    }

    private void refillAll() {
        for (int q = 0; q < queues.size(); q++) {
            while (wantsMoreNow() && slots.hasFree(q)) {
                int slot = slots.take(q);
                if (sweeping ? beginSweep(q, slot) : beginRandom(q, slot)) continue;
                slots.giveBack(q, slot);
                break;
            }
            queues.get(q).submit();
        }
    }

    private boolean wantsMoreNow() {
        return sweeping ? sweepNext < map.sectors() : begun < options.requestsMax();
    }

    private boolean beginRandom(int q, int slot) {
        draw.drawOperation();
        for (int i = 0; i < COLLISIONS_MAX; i++) {
            draw.drawRange();
            if (!map.claim(draw.first, draw.count)) continue;
            if (begin(q, slot, draw.operation, draw.first, draw.count)) {
                begun++;
                return true;
            }
            map.release(draw.first, draw.count);
            return false;
        }
        return false;
    }

    private boolean beginSweep(int q, int slot) {
        while (sweepNext < map.sectors() && map.state(sweepNext) == SectorMap.UNKNOWN) sweepNext++;
        int blockSectors = transport.facts().blockBytes() / SECTOR_BYTES;
        int first = sweepNext / blockSectors * blockSectors;
        int count = Math.min(options.dataBytesMax() / SECTOR_BYTES / blockSectors * blockSectors, map.sectors() - first);
        if (count == 0 || !map.claim(first, count)) return false;
        if (!begin(q, slot, LoadOperation.READ, first, count)) {
            map.release(first, count);
            return false;
        }
        sweepNext = first + count;
        return true;
    }

    private boolean begin(int q, int slot, LoadOperation operation, int first, int count) {
        BlkQueue queue = queues.get(q);
        int dataBytes = switch (operation) {
            case READ, WRITE -> count * SECTOR_BYTES;
            case DISCARD, WRITE_ZEROES -> SEGMENT_BYTES;
            case GET_ID -> ID_BYTES;
            case FLUSH -> 0;
        };
        boolean deviceWrites = operation == LoadOperation.READ || operation == LoadOperation.GET_ID;
        int shift = random.nextInt(8) == 0 ? random.nextInt(SHIFT_MAX) : 0;
        long data = queue.dataAddress(slot) + shift;
        boolean ranged = operation == LoadOperation.READ || operation == LoadOperation.WRITE;
        queue.queue().virtqueue().useIndirect(random.nextInt(4) != 0);
        queue.begin(slot, operation.type(), ranged ? windowStart + first : 0,
                random.nextInt(16) == 0 ? 1 + random.nextInt(REQ_HEADER_BYTES - 1) : 0);
        addPieces(queue, slot, shift, dataBytes, deviceWrites);
        // Generations are drawn before the ring may turn out full: gaps in them do not matter.
        if (operation == LoadOperation.WRITE) generation = generation == Integer.MAX_VALUE ? 1 : generation + 1;
        prepareData(operation, data, dataBytes, first, count);
        if (!queue.finish(slot)) return false;
        slots.set(q, slot, operation, first, count, shift, generation);
        return true;
    }

    private void addPieces(BlkQueue queue, int slot, int shift, int dataBytes, boolean deviceWrites) {
        int at = 0;
        for (int left = 1 + random.nextInt(piecesMax); left > 1 && dataBytes - at > 1; left--) {
            int length = 1 + random.nextInt(dataBytes - at - 1);
            queue.addData(slot, shift + at, length, deviceWrites);
            at += length;
        }
        if (dataBytes > at) queue.addData(slot, shift + at, dataBytes - at, deviceWrites);
    }

    private void prepareData(LoadOperation operation, long data, int dataBytes, int first, int count) {
        switch (operation) {
            case WRITE -> judge.write(data, first, count, generation);
            // What is not overwritten must not look right by what an earlier request left there.
            case READ, GET_ID -> LoadJudge.poison(data, dataBytes + BlkQueue.GUARD_BYTES);
            case DISCARD, WRITE_ZEROES -> {
                Memory.putLong(data + SEGMENT_SECTOR, windowStart + first);
                Memory.putInt(data + SEGMENT_NUM_SECTORS, count);
                boolean unmap = operation == LoadOperation.WRITE_ZEROES && transport.facts().writeZeroesMayUnmap()
                        && random.nextBoolean();
                Memory.putInt(data + SEGMENT_FLAGS, unmap ? SEGMENT_F_UNMAP : 0);
            }
            case FLUSH -> {}
        }
    }

    private void complete(int q, int slot, long now) {
        BlkQueue queue = queues.get(q);
        LoadOperation operation = slots.operation(q, slot);
        int first = slots.first(q, slot);
        int count = slots.count(q, slot);
        int status = queue.status(slot);
        if (!sweeping) tally.completed(operation, count * SECTOR_BYTES, now - queue.startNanos(slot));
        if (status == S_OK) succeeded(q, slot, operation, first, count);
        else failed(q, slot, operation, first, count, status);
        map.release(first, count);
        slots.giveBack(q, slot);
    }

    private void succeeded(int q, int slot, LoadOperation operation, int first, int count) {
        BlkQueue queue = queues.get(q);
        long data = queue.dataAddress(slot) + slots.shift(q, slot);
        long used = queue.queue().virtqueue().usedLengthBytes();
        switch (operation) {
            case READ -> {
                int dataBytes = count * SECTOR_BYTES;
                if (used != dataBytes + REQ_STATUS_BYTES)
                    tally.error(operation, name(q, slot) + ": used length " + used);
                checkGuard(q, slot, data + dataBytes);
                judge.verify(data, first, count, tally);
            }
            case WRITE -> map.set(first, count, slots.generation(q, slot));
            case WRITE_ZEROES -> map.set(first, count, SectorMap.ZERO);
            case DISCARD -> map.set(first, count, SectorMap.UNKNOWN);
            case GET_ID -> {
                checkGuard(q, slot, data + ID_BYTES);
                if (!judge.isSameId(data)) tally.error(operation, name(q, slot) + ": another identity than before");
            }
            case FLUSH -> {}
        }
    }

    private void failed(int q, int slot, LoadOperation operation, int first, int count, int status) {
        tally.error(operation, tally.hasRoom() ? name(q, slot) + ": status " + status : "");
        if (operation != LoadOperation.READ) map.set(first, count, SectorMap.UNKNOWN);
        if (status == S_UNSUPP) draw.leaveOut(operation);
    }

    private void checkGuard(int q, int slot, long guard) {
        int wrong = LoadJudge.firstWritten(guard, BlkQueue.GUARD_BYTES);
        if (wrong >= 0)
            tally.error(slots.operation(q, slot), name(q, slot) + ": byte " + wrong + " behind its buffer was written");
    }

    private void checkStall(long now) {
        for (int q = 0; q < queues.size(); q++)
            for (int slot = 0; slot < options.depth(); slot++) {
                if (!slots.busy(q, slot)) continue;
                long age = now - queues.get(q).startNanos(slot);
                if (age > options.stallNanos())
                    throw new DeviceFault(name(q, slot) + ": outstanding for " + age / 1_000_000 + " ms; queue: "
                            + queues.get(q).queue().virtqueue());
            }
    }

    private String name(int q, int slot) {
        return slots.operation(q, slot) + " of " + slots.count(q, slot) + " sectors at "
                + (windowStart + slots.first(q, slot)) + " (queue " + q + ", slot " + slot + ")";
    }

    private long kicks() {
        long sum = 0;
        for (BlkQueue queue : queues) sum += queue.kicks();
        return sum;
    }
}
