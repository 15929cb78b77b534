package io.vireo.actors.device;

import io.vireo.posix.Memory;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.blk.BlkRequestReader;
import io.vireo.virtio.blk.KeptRequest;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.VirtqueueBroken;

/**
 * Takes requests from virtqueues, by what they are understood with: the guest's memory, the features, the disk. Each throws
 * {@link InternalError}, and only there, when the guest's memory is gone. Thread: the IOThread.
 */
final class RequestTaker {
    private final int batchMax;
    private BlkProperties properties;
    /** As the driver accepted them; before that, whatever is offered. */
    private long features = BlkLayout.F_ZONED;
    private BlkRequestReader reader;
    private Chain chain = new Chain(2);
    private MemoryLease lease;

    RequestTaker(BlkProperties properties, int batchMax) {
        this.properties = properties;
        this.batchMax = batchMax;
        reader = new BlkRequestReader(properties, features);
    }

    /** What the driver may send. */
    void accept(long accepted) {
        features = accepted;
        reader = new BlkRequestReader(properties, features);
    }

    /** The disk has another size. */
    void resized(BlkProperties resized) {
        properties = resized;
        reader = new BlkRequestReader(properties, features);
    }

    /** @param next null when there is to be none any more */
    void use(MemoryLease next) {
        MemoryLease before = lease;
        lease = next;
        if (before != null) before.replace();
    }

    boolean hasMemory() {
        return lease != null;
    }

    /** @param size descriptors of the longest ring that it takes from */
    void fit(int size) {
        chain = new Chain(size);
    }

    /** Takes from one virtqueue what its quantum and the batch allow; answers how its driver broke it, or null. */
    VirtqueueBroken fill(RequestBatch batch, ServedVirtqueue queue, long nowNanos) {
        VirtqueueBroken broken = null;
        try {
            int before = batch.count();
            int quantum = queue.quantum.next(batchMax);
            RequestSlot slot = null;
            while (!batch.isFull() && batch.count() - before < quantum) {
                if ((slot = queue.take(lease, chain, reader, nowNanos)) == null) break;
                batch.add(slot);
            }
            queue.quantum.taken(batch.count() - before, slot == null);
        } catch (VirtqueueBroken e) {
            broken = e;
        }
        Memory.raiseFaults(); // before a ring is blamed for what was read where its memory is gone
        return broken;
    }

    /**
     * Takes one.
     *
     * @throws VirtqueueBroken as the ring finds it
     */
    RequestSlot take(ServedVirtqueue queue) {
        RequestSlot slot = queue.take(lease, chain, reader, System.nanoTime());
        Memory.raiseFaults();
        return slot;
    }

    /** As {@link ServedVirtqueue#retake}. */
    RequestSlot retake(ServedVirtqueue queue, KeptRequest kept) {
        return queue.retake(kept, lease, chain, reader, System.nanoTime());
    }
}
