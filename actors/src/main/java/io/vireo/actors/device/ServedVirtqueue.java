package io.vireo.actors.device;

import io.vireo.actors.iothread.IoThread;
import io.vireo.posix.EventFd;
import io.vireo.posix.IoVec;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.blk.BlkRequestReader;
import io.vireo.virtio.blk.KeptRequest;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueBroken;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Predicate;

/**
 * A virtqueue that runs, with its slots. Thread: the IOThread; {@link #oldestNanos} from anywhere.
 */
final class ServedVirtqueue {
    /** iovecs a slot has without growing: header, status and what most requests carry. */
    private static final int INLINE_IOVECS = 4;

    final Virtqueue ring;
    /** What the interrupt actor is told; made once, since a queue completes batch after batch. */
    final InterruptActor.Completed completed = new InterruptActor.Completed(this);

    final Quantum quantum = new Quantum();
    final EventFd kick;
    EventFd call;
    EventFd err;
    long kickToken;
    /** No request is taken any more: broken, or about to stop. */
    boolean closed;
    /** About to stop, and whatever fails stays in flight for a device that goes on with the ring. */
    boolean suspends;
    /** Used elements were written in the batch at hand. */
    boolean dirty;
    /** Requests completed that the interrupt actor was not asked about yet. */
    int undecided;

    private final IoThread ioThread;
    private final NativeBlock iovecs;
    private final RequestSlot[] all;
    private final RequestSlot[] free;
    private final AtomicLongArray takenNanos;
    private int freeCount;
    private CompletableFuture<Integer> stopped;

    /**
     * @param inFlightMax how many requests are taken at a time, however long the ring is: each has a slot of ours; more where
     *     a device before has left more in flight
     */
    ServedVirtqueue(Virtqueue ring, EventFd kick, int segmentsMax, int inFlightMax, DeviceShard shard) {
        this.ring = ring;
        this.kick = kick;
        ioThread = shard.ioThread;
        int size = Math.min(ring.size(), Math.max(inFlightMax, ring.resubmits()));
        iovecs = NativeBlock.allocate((long) size * INLINE_IOVECS * IoVec.ENTRY_BYTES, IoVec.ENTRY_BYTES);
        all = new RequestSlot[size];
        free = new RequestSlot[size];
        takenNanos = new AtomicLongArray(size);
        for (int i = size - 1; i >= 0; i--) {
            long at = iovecs.address() + (long) i * INLINE_IOVECS * IoVec.ENTRY_BYTES;
            free[freeCount++] = all[i] = new RequestSlot(i, this, new IoVec(at, INLINE_IOVECS, segmentsMax), shard);
        }
    }

    /**
     * Takes the next request, or answers null when there is none.
     *
     * @throws VirtqueueBroken as the ring finds it
     */
    RequestSlot take(MemoryLease lease, Chain chain, BlkRequestReader reader, long nowNanos) {
        if (!takes() || !ring.poll(lease.memory, chain)) return null;
        RequestSlot slot = free[freeCount - 1];
        reader.read(chain, slot.blk);
        freeCount--;
        slot.lease = lease;
        slot.takenNanos = nowNanos;
        lease.enter();
        takenNanos.setOpaque(slot.index, nowNanos);
        return slot;
    }

    /** Whether there is a reason to look at the ring: it is not closed, and there is room for what may be in it. */
    boolean takes() {
        return !closed && freeCount > 0;
    }

    boolean isFull() {
        return freeCount == 0;
    }

    /**
     * Takes a request that another device has taken and not answered.
     *
     * @throws IllegalArgumentException it is none that can be in flight here
     */
    RequestSlot retake(KeptRequest kept, MemoryLease lease, Chain chain, BlkRequestReader reader, long nowNanos) {
        if (freeCount == 0) throw new IllegalArgumentException("more requests than descriptors");
        RequestSlot slot = free[freeCount - 1];
        kept.read(lease.memory, reader, chain, slot.blk);
        ring.retake(kept.chainId(), kept.ringDescriptors());
        freeCount--;
        slot.untried = true;
        slot.lease = lease;
        slot.takenNanos = nowNanos;
        lease.enter();
        takenNanos.setOpaque(slot.index, nowNanos);
        return slot;
    }

    /** Takes no request any more and tells who listens for that. */
    void shut() {
        closed = true;
        if (err != null) ioThread.signaller().signal(err);
    }

    /** The request is answered, or will never be. */
    void release(RequestSlot slot) {
        takenNanos.setOpaque(slot.index, 0);
        slot.lease.leave();
        slot.lease = null;
        free[freeCount++] = slot;
        if (stopped != null) finishStop();
    }

    /** Gives up every request that nobody will complete, and every call that nobody will make. */
    void releaseAllBut(Predicate<RequestSlot> stillHeld) {
        undecided = 0;
        for (RequestSlot slot : all) if (slot.lease != null && !stillHeld.test(slot)) release(slot);
        if (stopped != null) finishStop();
    }

    /** The driver was called for what it was shown, if it wanted that. */
    void decided() {
        undecided = 0;
        if (stopped != null) finishStop();
    }

    int inFlight() {
        return free.length - freeCount;
    }

    /**
     * Takes nothing more and completes {@code base} with where the ring goes on once everything taken is in the used ring
     * and the driver called for it. Again: the same answer at the same time.
     */
    void stop(CompletableFuture<Integer> base) {
        closed = true;
        if (stopped != null) {
            stopped.thenAccept(base::complete);
            return;
        }
        stopped = base;
        finishStop();
    }

    /** {@link #stop} was called, and waits for what is in flight. */
    boolean isStopping() {
        return stopped != null;
    }

    private void finishStop() {
        if (inFlight() > 0 || undecided > 0) return;
        int base = ring.base();
        free();
        CompletableFuture<Integer> ending = stopped;
        stopped = null;
        ending.complete(base);
    }

    /** Gives its memory back; nothing is in flight. */
    void free() {
        for (RequestSlot slot : all) slot.blk.data().close();
        iovecs.close();
        ring.close();
    }

    /** When the oldest request in flight was taken; 0 when there is none. From any thread. */
    long oldestNanos(long nowNanos) {
        long oldestAge = 0;
        for (int i = 0; i < takenNanos.length(); i++) {
            long taken = takenNanos.getOpaque(i);
            if (taken != 0) oldestAge = Math.max(oldestAge, nowNanos - taken);
        }
        return oldestAge == 0 ? 0 : nowNanos - oldestAge;
    }

    /** As {@link #inFlight}, from any thread. */
    int inFlightSeen() {
        int count = 0;
        for (int i = 0; i < takenNanos.length(); i++) if (takenNanos.getOpaque(i) != 0) count++;
        return count;
    }
}
