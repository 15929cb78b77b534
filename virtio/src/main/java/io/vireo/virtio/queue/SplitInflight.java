package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.InflightLayout.SPLIT_DESC;
import static io.vireo.virtio.queue.InflightLayout.SPLIT_DESC_BYTES;
import static io.vireo.virtio.queue.InflightLayout.SPLIT_DESC_COUNTER;
import static io.vireo.virtio.queue.InflightLayout.SPLIT_DESC_INFLIGHT;
import static io.vireo.virtio.queue.InflightLayout.SPLIT_DESC_NEXT;
import static io.vireo.virtio.queue.InflightLayout.SPLIT_LAST_BATCH_HEAD;
import static io.vireo.virtio.queue.InflightLayout.SPLIT_USED_IDX;

import io.vireo.posix.Memory;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;

/**
 * The requests in flight of a split virtqueue, written down as vhost-user's "Inflight I/O tracking" says. Thread: its
 * virtqueue's.
 *
 * <p>A device may die between any two stores. Those that count are the flag of a chain, after which it was taken, and
 * the used ring's idx, with which a whole batch was used: the batch is linked before that store and its flags fall after
 * it, so whoever finds idx ahead of used_idx finds in the links which flags are still to fall. Other processors keep the
 * order of our stores, and so does what the compiler makes of them where there is a fence.
 */
final class SplitInflight {
    private final long area;
    /** Heads to be taken once more, in the order in which they were taken. */
    private final char[] again;

    private int againNext;
    private long counter;
    private int lastBatchHead;

    /**
     * Goes on with what is written there, or begins if that is nothing.
     *
     * @param usedIdx the used ring's idx
     * @throws VirtqueueBroken what is written there is nonsense
     */
    SplitInflight(InflightArea area, int size, int usedIdx) {
        this.area = area.address();
        if (!area.isBegun()) {
            again = new char[0];
            for (int head = 0; head < area.entries(); head++) Memory.putU8(entry(head) + SPLIT_DESC_INFLIGHT, 0);
            // Not 0: the ring may have run before, and what it used then must not be taken for a batch of ours.
            writeUsedIdx(usedIdx);
            Memory.putU16(this.area + SPLIT_LAST_BATCH_HEAD, 0);
            area.begin();
        } else {
            area.check();
            finishLastBatch(size, usedIdx);
            again = readInFlight(area.entries(), size);
        }
    }

    private long entry(int head) {
        return area + SPLIT_DESC + (long) SPLIT_DESC_BYTES * head;
    }

    /** The batch that was used last, if its flags did not all fall. */
    private void finishLastBatch(int size, int usedIdx) {
        lastBatchHead = Memory.getU16(area + SPLIT_LAST_BATCH_HEAD);
        if (lastBatchHead >= size) throw new VirtqueueBroken(Fault.INFLIGHT_INDEX, lastBatchHead);
        int batch = (usedIdx - Memory.getU16(area + SPLIT_USED_IDX)) & 0xFFFF;
        // A driver that began its ring anew is that far away: there is no such batch, and nothing of it in flight.
        if (batch <= size) {
            boolean[] seen = new boolean[size];
            int[] heads = new int[batch];
            int head = lastBatchHead;
            for (int i = 0; i < batch; i++) {
                if (head >= size || seen[head]) throw new VirtqueueBroken(Fault.INFLIGHT_INDEX, head);
                seen[head] = true;
                heads[i] = head;
                head = Memory.getU16(entry(head) + SPLIT_DESC_NEXT);
            }
            for (int used : heads) Memory.putU8(entry(used) + SPLIT_DESC_INFLIGHT, 0);
        }
        Memory.storeFence();
        writeUsedIdx(usedIdx);
    }

    private char[] readInFlight(int entries, int size) {
        ResubmitOrder order = new ResubmitOrder(size);
        for (int head = 0; head < entries; head++) {
            if (Memory.getU8(entry(head) + SPLIT_DESC_INFLIGHT) == 0) continue;
            if (head >= size) throw new VirtqueueBroken(Fault.INFLIGHT_INDEX, head);
            order.add(head, Memory.getLong(entry(head) + SPLIT_DESC_COUNTER));
        }
        counter = order.nextCounter();
        return order.chains();
    }

    private void writeUsedIdx(int usedIdx) {
        Memory.putU16(area + SPLIT_USED_IDX, usedIdx);
    }

    /** Chains that are still to be taken once more. */
    int againCount() {
        return again.length - againNext;
    }

    /** The next of them. */
    int again() {
        return again[againNext];
    }

    /** It was taken once more, and keeps its place. */
    void takenAgain() {
        againNext++;
    }

    void taken(int head) {
        long entry = entry(head);
        Memory.putLong(entry + SPLIT_DESC_COUNTER, counter++);
        Memory.storeFence();
        Memory.putU8(entry + SPLIT_DESC_INFLIGHT, 1);
    }

    /** The chain will be used with the next store of the used ring's idx. */
    void link(int head) {
        Memory.putU16(entry(head) + SPLIT_DESC_NEXT, lastBatchHead);
        lastBatchHead = head;
    }

    /** All that will be used with that store is linked. The store is a release: this is before it. */
    void linked() {
        Memory.putU16(area + SPLIT_LAST_BATCH_HEAD, lastBatchHead);
    }

    /** That store was made, and the chain is the driver's again. A fence is to come before and behind all of these. */
    void clear(int head) {
        Memory.putU8(entry(head) + SPLIT_DESC_INFLIGHT, 0);
    }

    /** All of the batch was cleared. */
    void cleared(int usedIdx) {
        writeUsedIdx(usedIdx);
    }
}
