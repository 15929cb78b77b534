package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.InflightLayout.*;
import static io.vireo.virtio.queue.PackedLayout.DESC_F_AVAIL;
import static io.vireo.virtio.queue.PackedLayout.DESC_F_USED;

import io.vireo.posix.Memory;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;

/**
 * The requests in flight of a packed virtqueue, written down as vhost-user's "Inflight I/O tracking" says: with copies of
 * their descriptors, which a device overwrites in the ring. Thread: its virtqueue's.
 *
 * <p>A device may die between any two stores. A chain is taken with the store of old_free_head. A batch is used with the
 * flags of the ring's first descriptor; until the fields called old have followed, whoever goes on looks at these flags
 * to know whether that store was made. The free list is kept here as well: of what is written there nothing is read
 * again once a device has begun, apart from copied descriptors, which are judged like those of the ring.
 */
final class PackedInflight {
    private static final int AVAIL_USED = DESC_F_AVAIL | DESC_F_USED;

    private final long area;
    private final int entries;
    /** By entry: the next of its chain, or of the free list, whose last one has {@link #entries}. */
    private final char[] next;
    /** By buffer ID of a chain in flight: its first and its last entry. */
    private final char[] first;

    private final char[] last;
    /** Buffer IDs of the chains to be taken once more, in the order in which they were taken. */
    private char[] again = {};

    private int againNext;
    private int againDescriptors;
    private int freeHead;
    /** While a chain is being copied: where its next descriptor goes, and where the last one went. */
    private int copyNext;

    private int copyLast;
    private long counter;
    /** As written down last: of the next descriptor to use. */
    private int usedIdx;

    private boolean usedWrap;

    /**
     * Goes on with what is written there, or begins if that is nothing.
     *
     * @param descriptorRing the ring's address
     * @param usedIdx of the next descriptor to use, if it begins
     * @throws VirtqueueBroken what is written there is nonsense
     */
    PackedInflight(InflightArea area, int size, long descriptorRing, int usedIdx, boolean usedWrap) {
        this.area = area.address();
        entries = area.entries();
        next = new char[entries];
        first = new char[size];
        last = new char[size];
        this.usedIdx = usedIdx;
        this.usedWrap = usedWrap;
        boolean begun = area.isBegun();
        boolean[] taken = new boolean[entries];
        if (begun) {
            area.check();
            boolean committed = readUsed(size, descriptorRing);
            readInFlight(size, readFree(committed), taken);
        }
        // Flags first: by them alone the next one would be right, should this device die on the way.
        for (int i = 0; i < entries; i++) if (!taken[i]) Memory.putU8(entry(i) + PACKED_DESC_INFLIGHT, 0);
        Memory.storeFence();
        freeHead = entries;
        for (int i = entries - 1; i >= 0; i--) if (!taken[i]) free(i, i);
        Memory.storeFence();
        writeFree();
        Memory.storeFence();
        writeUsed(this.usedIdx, this.usedWrap);
        if (!begun) area.begin();
    }

    private long entry(int index) {
        return area + PACKED_DESC + (long) PACKED_DESC_BYTES * index;
    }

    /** Reads where the ring goes on. False when a batch was begun and not used: what it did does not count. */
    private boolean readUsed(int size, long descriptorRing) {
        int idx = readOffset(PACKED_USED_IDX, size);
        boolean wrap = Memory.getU8(area + PACKED_USED_WRAP_COUNTER) != 0;
        usedIdx = readOffset(PACKED_OLD_USED_IDX, size);
        usedWrap = Memory.getU8(area + PACKED_OLD_USED_WRAP_COUNTER) != 0;
        if (idx == usedIdx && wrap == usedWrap) return false;
        long flags = descriptorRing + (long) VirtqueueLayout.DESC_BYTES * usedIdx + PackedLayout.DESC_FLAGS;
        if ((Memory.getU16(flags) & AVAIL_USED) == (usedWrap ? DESC_F_AVAIL : DESC_F_USED)) return false;
        usedIdx = idx;
        usedWrap = wrap;
        return true;
    }

    private int readOffset(int field, int size) {
        int offset = Memory.getU16(area + field);
        if (offset >= size) throw new VirtqueueBroken(Fault.INFLIGHT_USED, offset);
        return offset;
    }

    /** The free entries: a chain that has one of these was used, or never wholly taken, whatever its flag says. */
    private boolean[] readFree(boolean committed) {
        boolean[] free = new boolean[entries];
        int index = Memory.getU16(area + (committed ? PACKED_FREE_HEAD : PACKED_OLD_FREE_HEAD));
        while (index < entries && !free[index]) {
            free[index] = true;
            index = Memory.getU16(entry(index) + PACKED_DESC_NEXT);
        }
        return free;
    }

    private void readInFlight(int size, boolean[] free, boolean[] taken) {
        ResubmitOrder order = new ResubmitOrder(size);
        boolean[] ids = new boolean[size];
        for (int head = 0; head < entries; head++) {
            if (free[head] || Memory.getU8(entry(head) + PACKED_DESC_INFLIGHT) == 0) continue;
            int num = Memory.getU16(entry(head) + PACKED_DESC_NUM);
            // both are at most 65535
            if (num == 0 || num > size - againDescriptors) throw new VirtqueueBroken(Fault.INFLIGHT_USED, num);
            againDescriptors += num;
            int end = readChain(head, num, free, taken);
            int id = Memory.getU16(entry(end) + PACKED_DESC_ID);
            if (id >= size || ids[id]) throw new VirtqueueBroken(Fault.INFLIGHT_INDEX, id);
            ids[id] = true;
            first[id] = (char) head;
            last[id] = (char) end;
            order.add(id, Memory.getLong(entry(head) + PACKED_DESC_COUNTER));
        }
        counter = order.nextCounter();
        again = order.chains();
    }

    /** Takes over the links of a chain that has no entry in common with another; its last entry. */
    private int readChain(int head, int num, boolean[] free, boolean[] taken) {
        int index = head;
        for (int i = 1; ; i++) {
            if (index >= entries || free[index] || taken[index]) throw new VirtqueueBroken(Fault.INFLIGHT_INDEX, index);
            taken[index] = true;
            if (i == num) return index;
            next[index] = (char) Memory.getU16(entry(index) + PACKED_DESC_NEXT);
            index = next[index];
        }
    }

    /** Where the ring goes on. */
    int usedIdx() {
        return usedIdx;
    }

    boolean usedWrap() {
        return usedWrap;
    }

    /** Of the ring's descriptors from there on, those that are ours. */
    int againDescriptors() {
        return againDescriptors;
    }

    /** Chains that are still to be taken once more. */
    int againCount() {
        return again.length - againNext;
    }

    /** The buffer ID of the next of them. */
    int again() {
        return again[againNext];
    }

    /** It was taken once more, and keeps its place. */
    void takenAgain() {
        againNext++;
    }

    int first(int id) {
        return first[id];
    }

    int last(int id) {
        return last[id];
    }

    int next(int entry) {
        return next[entry];
    }

    /** A copied descriptor's address. */
    long address(int entry) {
        return Memory.getLong(entry(entry) + PACKED_DESC_ADDR);
    }

    /** A copied descriptor's other fields, laid out as in the ring: here the length comes last. */
    long lengthIdFlags(int entry) {
        return Long.rotateLeft(Memory.getLong(entry(entry) + PACKED_DESC_ID), 32);
    }

    /** Begins to copy a chain's descriptors. */
    void begin() {
        copyNext = freeHead;
    }

    /** There is room: entries are at least as many as the ring has descriptors. */
    void copy(long address, long lengthIdFlags) {
        long entry = entry(copyNext);
        Memory.putLong(entry + PACKED_DESC_ID, Long.rotateLeft(lengthIdFlags, 32));
        Memory.putLong(entry + PACKED_DESC_ADDR, address);
        copyLast = copyNext;
        copyNext = next[copyNext];
    }

    /** All of the chain's descriptors are copied. */
    void taken(int id, int count) {
        long head = entry(freeHead);
        Memory.putU16(entry(copyLast) + PACKED_DESC_ID, id);
        Memory.putU16(head + PACKED_DESC_LAST, copyLast);
        Memory.putU16(head + PACKED_DESC_NUM, count);
        Memory.putLong(head + PACKED_DESC_COUNTER, counter++);
        Memory.putU8(head + PACKED_DESC_INFLIGHT, 1);
        first[id] = (char) freeHead;
        last[id] = (char) copyLast;
        freeHead = copyNext;
        Memory.storeFence();
        writeFree();
    }

    /** The chain will be used with the next batch. */
    void free(int id) {
        free(first[id], last[id]);
    }

    private void free(int head, int end) {
        Memory.putU16(entry(end) + PACKED_DESC_NEXT, freeHead);
        next[end] = (char) freeHead;
        freeHead = head;
    }

    /** All of the batch was freed, and the ring will go on there. What uses it is a release: this is before it. */
    void freed(int nextUsedIdx, boolean nextUsedWrap) {
        Memory.putU16(area + PACKED_FREE_HEAD, freeHead);
        writeUsed(nextUsedIdx, nextUsedWrap);
    }

    /** The batch was used, and the chain is the driver's again. A fence is to come before and behind all of these. */
    void clear(int id) {
        Memory.putU8(entry(first[id]) + PACKED_DESC_INFLIGHT, 0);
    }

    /**
     * All of the batch was cleared. The free list goes first: until where the ring goes on is the same in both places, the
     * next device decides by the ring, and finds the same.
     */
    void cleared(int nextUsedIdx, boolean nextUsedWrap) {
        writeFree();
        Memory.storeFence();
        usedIdx = nextUsedIdx;
        usedWrap = nextUsedWrap;
        writeUsed(nextUsedIdx, nextUsedWrap);
    }

    private void writeFree() {
        Memory.putInt(area + PACKED_FREE_HEAD, freeHead | freeHead << 16);
    }

    /** In one store, beside the old values: an offset without its wrap counter would be another place. */
    private void writeUsed(int nextUsedIdx, boolean nextUsedWrap) {
        Memory.putLong(area + PACKED_USED_IDX,
                nextUsedIdx | (long) usedIdx << 16 | (nextUsedWrap ? 1L << 32 : 0) | (usedWrap ? 1L << 40 : 0));
    }
}
