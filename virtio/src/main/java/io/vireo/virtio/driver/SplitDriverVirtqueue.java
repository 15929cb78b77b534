package io.vireo.virtio.driver;

import static io.vireo.virtio.queue.VirtqueueLayout.*;

import io.vireo.posix.Memory;

/** A split virtqueue as a driver keeps it (virtio 1.3, 2.7). The books' descriptors are the table's. */
final class SplitDriverVirtqueue extends DriverVirtqueue {
    private static final int U16 = 0xFFFF;

    private final int mask;
    private final long usedEventAddress;
    private final long availEventAddress;
    private int nextAvail;
    private int publishedAvail;
    private int kickCheckedAvail;
    private int nextUsed;
    private int seenUsed;

    SplitDriverVirtqueue(DriverMemory memory, int size, long features, int buffersMax) {
        super(memory, checked(size), features, buffersMax, new Areas(
                availRingBytes(size), AVAIL_ALIGNMENT_BYTES, usedRingBytes(size), USED_ALIGNMENT_BYTES));
        mask = size - 1;
        usedEventAddress = driver + usedEventOffset(size);
        availEventAddress = device + availEventOffset(size);
        reset(0);
    }

    private static int checked(int size) {
        if (!isValidSize(size)) throw new IllegalArgumentException("queue size " + size);
        return size;
    }

    @Override
    void clear(int base) {
        nextAvail = publishedAvail = kickCheckedAvail = nextUsed = seenUsed = base & U16;
        Memory.putU16(driver + AVAIL_FLAGS, 0);
        Memory.putU16(usedEventAddress, nextUsed);
        Memory.putU16(device + USED_FLAGS, 0);
        Memory.putU16(device + USED_IDX, nextUsed);
        Memory.putU16(availEventAddress, nextUsed);
        Memory.putU16Release(driver + AVAIL_IDX, nextAvail);
    }

    @Override
    public void offerAgain() {
        int used = nextUsed + pendingUsed();
        int at = used;
        for (int head : headsInFlight()) if (!isPending(head)) Memory.putU16(availSlot(at++), head);
        nextAvail = at & U16;
        publish();
        kickCheckedAvail = used & U16;
    }

    @Override
    public int resumeBase() {
        return (nextUsed + pendingUsed()) & U16;
    }

    @Override
    void describe(int index, long gpa, int lengthBytes, int flags) {
        int following = (flags & DESC_F_NEXT) != 0 ? next[index] : 0;
        writeDescriptor(descriptor + (long) index * DESC_BYTES, gpa, lengthBytes, flags, following);
    }

    @Override
    void writeTableDescriptor(long at, long gpa, int lengthBytes, boolean writable, int nextIndex) {
        int flags = writable ? DESC_F_WRITE : 0;
        if (nextIndex == NONE) writeDescriptor(at, gpa, lengthBytes, flags, 0);
        else writeDescriptor(at, gpa, lengthBytes, flags | DESC_F_NEXT, nextIndex);
    }

    @Override
    void offer(int head) {
        Memory.putU16(availSlot(nextAvail), head);
        nextAvail = (nextAvail + 1) & U16;
    }

    /** The release pairs with the device's acquire of the avail index (2.7.13). */
    @Override
    public void publish() {
        publishedAvail = nextAvail;
        Memory.putU16Release(driver + AVAIL_IDX, publishedAvail);
    }

    @Override
    public boolean hasUnpublished() {
        return nextAvail != publishedAvail;
    }

    /** As 2.7.10 says. */
    @Override
    public boolean kickNeeded() {
        Memory.fullFence(); // the avail index before the device's wish; pairs with the device's fence after stating it
        int moved = (publishedAvail - kickCheckedAvail) & U16;
        int before = kickCheckedAvail;
        kickCheckedAvail = publishedAvail;
        if (moved == 0) return false;
        if (!eventIdx) return (Memory.getU16(device + USED_FLAGS) & USED_F_NO_NOTIFY) == 0;
        // Asked for when the entry at avail_event is among those that were added: before <= event < published.
        int distance = (Memory.getU16(availEventAddress) - before) & U16;
        return distance < moved;
    }

    @Override
    public int nextOffset() {
        return publishedAvail;
    }

    @Override
    public int pendingUsed() {
        seenUsed = Memory.getU16Acquire(device + USED_IDX); // pairs with the device's release
        int pending = (seenUsed - nextUsed) & U16;
        if (pending > inFlight)
            throw new DeviceFault("used index moved by " + pending + " to " + seenUsed + " with " + inFlight + " in flight");
        return pending;
    }

    @Override
    public int reap() {
        if (nextUsed == seenUsed && pendingUsed() == 0) return NONE;
        long element = usedElement(nextUsed);
        int token = takeBack(Memory.getU32(element + USED_ELEMENT_ID), Memory.getU32(element + USED_ELEMENT_LEN));
        nextUsed = (nextUsed + 1) & U16;
        return token;
    }

    @Override
    public boolean armCall() {
        if (eventIdx) Memory.putU16(usedEventAddress, nextUsed);
        else Memory.putU16(driver + AVAIL_FLAGS, 0);
        Memory.fullFence(); // the wish before the used index; pairs with the device's fence before it looks for the wish
        return pendingUsed() > 0;
    }

    @Override
    public void suppressCalls() {
        // With EVENT_IDX the flag must stay 0; the element before the next one comes only after 65535 others.
        if (eventIdx) Memory.putU16(usedEventAddress, (nextUsed - 1) & U16);
        else Memory.putU16(driver + AVAIL_FLAGS, AVAIL_F_NO_INTERRUPT);
    }

    @Override
    public void suppressCallsAfterOne() {
        // An index that was crossed stays crossed, and a store would cost the device a cache miss. Linux does the same.
        if (!eventIdx) suppressCalls();
    }

    private boolean isPending(int head) {
        for (int index = nextUsed; index != seenUsed; index = (index + 1) & U16)
            if (Memory.getU32(usedElement(index) + USED_ELEMENT_ID) == head) return true;
        return false;
    }

    private long usedElement(int index) {
        return device + USED_RING + (long) (index & mask) * USED_ELEMENT_BYTES;
    }

    private long availSlot(int index) {
        return driver + AVAIL_RING + (long) (index & mask) * AVAIL_ELEMENT_BYTES;
    }

    @Override
    public String toString() {
        return "size " + size + ", avail idx " + publishedAvail + ", used idx " + Memory.getU16(device + USED_IDX)
                + " (reaped to " + nextUsed + "), avail_event " + Memory.getU16(availEventAddress) + ", used_event "
                + Memory.getU16(usedEventAddress) + ", in flight " + inFlight;
    }
}
