package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.VirtqueueLayout.AVAIL_ELEMENT_BYTES;
import static io.vireo.virtio.queue.VirtqueueLayout.AVAIL_FLAGS;
import static io.vireo.virtio.queue.VirtqueueLayout.AVAIL_F_NO_INTERRUPT;
import static io.vireo.virtio.queue.VirtqueueLayout.AVAIL_IDX;
import static io.vireo.virtio.queue.VirtqueueLayout.AVAIL_RING;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_ADDR;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_BYTES;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_INDIRECT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_NEXT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_WRITE;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_LEN;
import static io.vireo.virtio.queue.VirtqueueLayout.USED_ELEMENT_BYTES;
import static io.vireo.virtio.queue.VirtqueueLayout.USED_FLAGS;
import static io.vireo.virtio.queue.VirtqueueLayout.USED_F_NO_NOTIFY;
import static io.vireo.virtio.queue.VirtqueueLayout.USED_IDX;
import static io.vireo.virtio.queue.VirtqueueLayout.USED_RING;

import io.vireo.posix.Memory;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;

/** A split virtqueue, device side (virtio 1.3, 2.7). */
public final class SplitVirtqueue extends Virtqueue {
    private final int descriptorsMax;
    private final boolean eventIdx;
    private final boolean indirect;
    /** Null when nobody wants to know what is in flight. */
    private final SplitInflight inflight;
    private long descriptorTable;
    private long availRing;
    private long usedRing;

    private int nextAvail;
    /** avail.idx as last read. */
    private int availIdx;
    /** used.idx as last written. */
    private int usedIdx;
    /** Elements published since {@link #needsCall} last looked, up to 2^16. */
    private int usedSinceCallCheck;
    /** Before the first look nobody knows what the driver has been told: it is told. */
    private boolean callChecked;
    /** What avail_event or used.flags last were set to; meaningless while {@link #kicksWritten} is false. */
    private int kicksValue;

    private boolean kicksWritten;

    /**
     * @param nextAvail where the device goes on in the avail ring; 0 for a new ring, what the device that served it
     *     before had reached for another. The used ring goes on where its idx in memory says.
     * @throws IllegalArgumentException a size that is no power of two within 2..32768
     */
    SplitVirtqueue(
            int index, int size, VirtqueueAreas areas, int nextAvail, long features, UsedLog usedLog, InflightArea area) {
        super(index, size, features, usedLog, area);
        if (!VirtqueueLayout.isValidSize(size)) throw new IllegalArgumentException("queue size " + size);
        if (nextAvail < 0 || nextAvail > 0xFFFF) throw new IllegalArgumentException("nextAvail=" + nextAvail);
        this.descriptorsMax = descriptorsMax(size);
        this.eventIdx = (features & VirtqueueLayout.RING_F_EVENT_IDX) != 0;
        this.indirect = (features & VirtqueueLayout.RING_F_INDIRECT_DESC) != 0;
        moveTo(areas);
        usedIdx = Memory.getU16(usedRing + USED_IDX);
        Memory.raiseFaults();
        boolean goesOn = area != null && area.isBegun();
        inflight = area == null ? null : new SplitInflight(area, size, usedIdx);
        // What was taken is what was used and what is in flight: nobody else knows when the device before has died.
        this.nextAvail = goesOn ? (usedIdx + inflight.againCount()) & 0xFFFF : nextAvail;
        availIdx = this.nextAvail;
        Memory.raiseFaults();
    }

    @Override
    public void moveTo(VirtqueueAreas areas) {
        descriptorTable = areas.descriptor();
        availRing = areas.driver();
        usedRing = areas.device();
    }

    @Override
    public int base() {
        return nextAvail;
    }

    @Override
    public int ringDescriptors(int id) {
        return 0;
    }

    @Override
    void reserve(int id, int ringDescriptors) {
        if (ringDescriptors != 0) throw new IllegalArgumentException(ringDescriptors + " descriptors of chain " + id);
    }

    @Override
    public boolean hasAvailable() {
        return availIdx != nextAvail || refresh() || resubmits() != 0;
    }

    @Override
    public int resubmits() {
        return inflight == null ? 0 : inflight.againCount();
    }

    /** Pairs with the driver's release of avail.idx: what it published before is visible after (2.7.13.3). */
    private boolean refresh() {
        availIdx = Memory.getU16Acquire(availRing + AVAIL_IDX);
        return availIdx != nextAvail;
    }

    @Override
    public boolean poll(GuestMemory memory, Chain chain) {
        if (inflight != null && inflight.againCount() != 0) return pollAgain(memory, chain);
        int position = nextAvail;
        if (availIdx == position && !refresh()) return false;
        if (((availIdx - position) & 0xFFFF) > size()) throw new VirtqueueBroken(Fault.AVAIL_JUMP, availIdx);
        int head = Memory.getU16(availRing + AVAIL_RING + (long) AVAIL_ELEMENT_BYTES * (position & (size() - 1)));
        if (head >= size()) throw new VirtqueueBroken(Fault.HEAD_OUT_OF_RANGE, head);
        if (isInFlight(head)) throw new VirtqueueBroken(Fault.HEAD_IN_FLIGHT, head);
        take(memory, head, chain);
        taken(head);
        if (inflight != null) inflight.taken(head);
        nextAvail = (position + 1) & 0xFFFF;
        return true;
    }

    /** The driver has not touched what it has not seen used: the chain is as it was. */
    private boolean pollAgain(GuestMemory memory, Chain chain) {
        int head = inflight.again();
        take(memory, head, chain);
        taken(head);
        inflight.takenAgain();
        return true;
    }

    /** Walks the chain, through at most one indirect table, which ends it (2.7.5.3). */
    private void take(GuestMemory memory, int head, Chain chain) {
        chain.begin(head);
        long table = descriptorTable;
        int tableSize = size();
        int next = head;
        int walkedInTable = 0;
        for (int walked = 0; walked < descriptorsMax; walked++) {
            long at = table + (long) DESC_BYTES * next;
            long gpa = Memory.getLong(at + DESC_ADDR);
            long lengthFlagsNext = Memory.getLong(at + DESC_LEN);
            long lengthBytes = lengthFlagsNext & 0xFFFF_FFFFL;
            int flags = (int) (lengthFlagsNext >>> 32);
            if ((flags & DESC_F_INDIRECT) != 0) {
                checkIndirect(head, flags, table != descriptorTable);
                table = indirectTable(memory, gpa, lengthBytes);
                tableSize = (int) (lengthBytes / DESC_BYTES);
                walkedInTable = 0;
                next = 0;
                continue;
            }
            if (lengthBytes != 0) chain.add(memory, gpa, lengthBytes, (flags & DESC_F_WRITE) != 0);
            if ((flags & DESC_F_NEXT) == 0) return;
            next = (int) (lengthFlagsNext >>> 48);
            if (next >= tableSize) throw new VirtqueueBroken(Fault.NEXT_OUT_OF_RANGE, next);
            // Each of a table's descriptors was walked: going on can only repeat one.
            if (++walkedInTable == tableSize) throw new VirtqueueBroken(Fault.CHAIN_LOOP, head);
        }
        throw new VirtqueueBroken(Fault.CHAIN_TOO_LONG, head);
    }

    /** The WRITE flag of a descriptor that points at a table means nothing (2.7.5.3.2). */
    private void checkIndirect(int head, int flags, boolean nested) {
        if (!indirect) throw new VirtqueueBroken(Fault.INDIRECT_NOT_NEGOTIATED, head);
        if (nested) throw new VirtqueueBroken(Fault.INDIRECT_NESTED, head);
        if ((flags & DESC_F_NEXT) != 0) throw new VirtqueueBroken(Fault.INDIRECT_WITH_NEXT, head);
    }

    /** The release pairs with the driver's acquire of used.idx (2.7.8.2). */
    @Override
    void writeUsed(int position, int count) {
        int first = usedIdx & (size() - 1);
        for (int i = 0; i < count; i++) {
            long at = usedRing + USED_RING + (long) USED_ELEMENT_BYTES * ((usedIdx + i) & (size() - 1));
            Memory.putLong(at, used(position + i)); // laid out as struct virtq_used_elem is
        }
        if (inflight != null) link(position, count);
        usedIdx = (usedIdx + count) & 0xFFFF;
        Memory.putU16Release(usedRing + USED_IDX, usedIdx);
        if (inflight != null) clear(position, count);
        if (usedLog() != null) logUsed(first, count);
        usedSinceCallCheck = Math.min(usedSinceCallCheck + count, 0x10000);
    }

    private void link(int position, int count) {
        for (int i = 0; i < count; i++) inflight.link((int) used(position + i));
        inflight.linked();
    }

    private void clear(int position, int count) {
        Memory.storeFence();
        for (int i = 0; i < count; i++) inflight.clear((int) used(position + i));
        Memory.storeFence();
        inflight.cleared(usedIdx);
    }

    private void logUsed(int first, int count) {
        usedLog().markDeviceArea(USED_RING, USED_ELEMENT_BYTES, first, count, size());
        usedLog().markDeviceArea(USED_IDX, 2);
    }

    /** As 2.7.7.2 and 2.7.10 say. */
    @Override
    public boolean needsCall() {
        int fresh = usedSinceCallCheck;
        if (fresh == 0) return false;
        usedSinceCallCheck = 0;
        // used.idx must be out before used_event is read; pairs with the driver's barrier between the two.
        Memory.fullFence();
        if (!eventIdx) return (Memory.getU16(availRing + AVAIL_FLAGS) & AVAIL_F_NO_INTERRUPT) == 0;
        boolean sure = !callChecked || fresh > 0xFFFF; // a whole turn of the index passes every event
        callChecked = true;
        int usedEvent = Memory.getU16(availRing + VirtqueueLayout.usedEventOffset(size()));
        return sure || EventIdx.needEvent(usedEvent, usedIdx, usedIdx - fresh);
    }

    /** With EVENT_IDX that needs no store: the driver kicks when it passes avail_event, which stays behind. */
    @Override
    public void suppressKicks() {
        if (!eventIdx) writeKicks(USED_FLAGS, USED_F_NO_NOTIFY);
    }

    @Override
    public boolean enableKicks() {
        if (eventIdx) writeKicks(VirtqueueLayout.availEventOffset(size()), nextAvail);
        else writeKicks(USED_FLAGS, 0);
        // The wish must be out before avail.idx is read; pairs with the driver's barrier between the two.
        Memory.fullFence();
        return refresh() || resubmits() != 0;
    }

    private void writeKicks(long offset, int value) {
        if (kicksWritten && kicksValue == value) return;
        Memory.putU16(usedRing + offset, value);
        if (usedLog() != null) usedLog().markDeviceArea(offset, 2);
        kicksValue = value;
        kicksWritten = true;
    }
}
