package io.vireo.virtio.driver;

import static io.vireo.virtio.queue.PackedLayout.*;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_BYTES;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_NEXT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_WRITE;
import static io.vireo.virtio.queue.VirtqueueLayout.SIZE_MAX;

import io.vireo.posix.Memory;
import java.util.Arrays;

/**
 * A packed virtqueue as a driver keeps it (virtio 1.3, 2.8). A chain's buffer ID is its head in the books, where its
 * descriptors are written down too: the device overwrites those in the ring.
 *
 * <p>Places in the ring are counted in descriptors without end: the offset is the count modulo the size, the wrap
 * counter is 1 in laps of even number.
 */
final class PackedDriverVirtqueue extends DriverVirtqueue {
    private final long[] bookGpa;
    private final int[] bookLength;
    private final int[] bookFlags;

    /** Descriptors made available, with the unpublished ones. */
    private long availCount;

    private long publishedCount;
    /** Flags of the first unpublished descriptor, which {@link #publish} writes. */
    private int firstFlags;

    private long kickCheckedCount;
    /** Descriptors of the chains whose use was seen. */
    private long usedCount;

    /** Used chains that were seen and not reaped, oldest first. */
    private final int[] seenHeads;

    private final long[] seenLengths;
    /** Per head, whether it is among them. */
    private final boolean[] seen;

    private int seenFirst;
    private int seenCount;

    PackedDriverVirtqueue(DriverMemory memory, int size, long features, int buffersMax) {
        super(memory, checked(size), features, buffersMax,
                new Areas(EVENT_BYTES, EVENT_ALIGNMENT_BYTES, EVENT_BYTES, EVENT_ALIGNMENT_BYTES));
        bookGpa = new long[size];
        bookLength = new int[size];
        bookFlags = new int[size];
        seenHeads = new int[size];
        seenLengths = new long[size];
        seen = new boolean[size];
        reset(WRAP | WRAP << 16);
    }

    private static int checked(int size) {
        if (size < 1 || size > SIZE_MAX) throw new IllegalArgumentException("queue size " + size);
        return size;
    }

    @Override
    void clear(int base) {
        int offset = base & ~WRAP & 0xFFFF;
        availCount = publishedCount = kickCheckedCount = usedCount = (base & WRAP) != 0 ? offset : offset + size;
        seenFirst = seenCount = 0;
        Arrays.fill(seen, false);
        // As if all had been used up to here: behind it in the lap before. A new ring is all zeroes so.
        for (int i = 0; i < size; i++) {
            boolean wrap = wrap(i < offset ? availCount : availCount + size);
            Memory.putU16(descriptor + (long) i * DESC_BYTES + DESC_FLAGS, wrap ? DESC_F_AVAIL | DESC_F_USED : 0);
        }
        Memory.putInt(driver, 0);
        Memory.putInt(device, 0);
    }

    /** What was in flight fills the same part of the ring again, in another order perhaps. */
    @Override
    public void offerAgain() {
        pendingUsed();
        availCount = publishedCount = kickCheckedCount = usedCount;
        for (int head : headsInFlight()) if (!seen[head]) offer(head);
        publish();
    }

    @Override
    public int resumeBase() {
        pendingUsed();
        return offWrap(usedCount) | offWrap(usedCount) << 16;
    }

    @Override
    void describe(int index, long gpa, int lengthBytes, int flags) {
        bookGpa[index] = gpa;
        bookLength[index] = lengthBytes;
        bookFlags[index] = flags;
    }

    /** A table's descriptors follow each other, without a flag that says so (2.8.7). */
    @Override
    void writeTableDescriptor(long at, long gpa, int lengthBytes, boolean writable, int nextIndex) {
        writeDescriptor(at, gpa, lengthBytes, 0, writable ? DESC_F_WRITE : 0);
    }

    /** Only the very first unpublished descriptor stays unmarked: the device looks no further (2.8.2). */
    @Override
    void offer(int head) {
        int index = head;
        for (int i = 0; i < taken[head]; i++) {
            long at = place(availCount);
            int flags = bookFlags[index] | (wrap(availCount) ? DESC_F_AVAIL : DESC_F_USED);
            Memory.putLong(at + DESC_ADDR, bookGpa[index]);
            Memory.putInt(at + DESC_LEN, bookLength[index]);
            Memory.putU16(at + DESC_ID, head);
            if (availCount == publishedCount) firstFlags = flags;
            else Memory.putU16(at + DESC_FLAGS, flags);
            availCount++;
            index = next[index];
        }
    }

    /** The release is the barrier of 2.8.21.1; it pairs with the device's acquire of the flags. */
    @Override
    public void publish() {
        if (availCount != publishedCount) Memory.putU16Release(place(publishedCount) + DESC_FLAGS, firstFlags);
        publishedCount = availCount;
    }

    @Override
    public boolean hasUnpublished() {
        return availCount != publishedCount;
    }

    /** As 2.8.10 says. */
    @Override
    public boolean kickNeeded() {
        Memory.fullFence(); // what is available before the device's wish; pairs with the device's fence after stating it
        long before = kickCheckedCount;
        kickCheckedCount = publishedCount;
        if (before == publishedCount) return false;
        int flags = Memory.getU16Acquire(device + EVENT_FLAGS) & EVENT_FLAGS_MASK;
        if (flags == RING_EVENT_FLAGS_DISABLE) return false;
        if (flags != RING_EVENT_FLAGS_DESC || !eventIdx) return true;
        int wish = Memory.getU16(device + EVENT_OFF_WRAP);
        long place = (wish & WRAP) != 0 ? wish - WRAP : wish + size;
        // The first place with this offset and wrap counter that is not before: every second lap has one.
        return before + Math.floorMod(place - before, 2L * size) < publishedCount;
    }

    @Override
    public int nextOffset() {
        return offWrap(publishedCount);
    }

    @Override
    public int pendingUsed() {
        while (seenCount < inFlight) {
            long at = place(usedCount);
            int flags = Memory.getU16Acquire(at + DESC_FLAGS); // pairs with the device's release
            int marks = wrap(usedCount) ? DESC_F_AVAIL | DESC_F_USED : 0;
            if ((flags & (DESC_F_AVAIL | DESC_F_USED)) != marks) break;
            int head = Memory.getU16(at + DESC_ID);
            if (head >= size || tokens[head] == NONE || seen[head])
                throw new DeviceFault("used descriptor " + usedCount % size + " names buffer " + head
                        + ", which is not in flight");
            seen[head] = true;
            int slot = (seenFirst + seenCount++) % size;
            seenHeads[slot] = head;
            seenLengths[slot] = (flags & DESC_F_WRITE) != 0 ? Memory.getU32(at + DESC_LEN) : 0;
            usedCount += taken[head];
        }
        return seenCount;
    }

    @Override
    public int reap() {
        if (seenCount == 0 && pendingUsed() == 0) return NONE;
        int head = seenHeads[seenFirst];
        int token = takeBack(head, seenLengths[seenFirst]);
        seen[head] = false;
        seenFirst = (seenFirst + 1) % size;
        seenCount--;
        return token;
    }

    @Override
    public boolean armCall() {
        if (eventIdx) Memory.putU16(driver + EVENT_OFF_WRAP, offWrap(usedCount));
        // The release keeps the place before the flags that make it count.
        Memory.putU16Release(driver + EVENT_FLAGS, eventIdx ? RING_EVENT_FLAGS_DESC : RING_EVENT_FLAGS_ENABLE);
        Memory.fullFence(); // the wish before what is used; pairs with the device's fence before it looks for the wish
        return pendingUsed() > 0;
    }

    @Override
    public void suppressCalls() {
        Memory.putU16(driver + EVENT_FLAGS, RING_EVENT_FLAGS_DISABLE);
    }

    private long place(long count) {
        return descriptor + count % size * DESC_BYTES;
    }

    private boolean wrap(long count) {
        return (count / size & 1) == 0;
    }

    private int offWrap(long count) {
        int offset = (int) (count % size);
        return wrap(count) ? offset | WRAP : offset;
    }

    @Override
    public String toString() {
        return "packed, size %d, available to %d, used to %d, next flags 0x%x, device event 0x%x, driver event 0x%x, in flight %d"
                .formatted(size, publishedCount, usedCount, Memory.getU16(place(usedCount) + DESC_FLAGS),
                        Memory.getU32(device), Memory.getU32(driver), inFlight);
    }
}
