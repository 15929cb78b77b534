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

/**
 * One split virtqueue, device side (virtio 1.3, 2.7). Owned by one IOThread.
 *
 * <p>Taking: {@link #poll} copies each descriptor once and translates it; everything after works on the copy.
 * Returning: any number of {@link #pushUsed}, then one {@link #publishUsed}, then {@link #needsCall}. A ring
 * that broke a rule throws {@link VirtqueueBroken} and has not moved.
 *
 * <p>When the guest's memory went away under its mapping, any method may answer nonsense and {@link InternalError} is
 * raised at the latest by the caller's {@link Memory#raiseFaults}.
 */
public final class SplitVirtqueue {
    /** Descriptors accepted in one chain of a smaller queue: 1024 data buffers, a header and a status. */
    private static final int CHAIN_DESCRIPTORS_MIN = 1026;
    /** A descriptor's next is 16 bits: no longer table can be walked. */
    private static final long INDIRECT_TABLE_BYTES_MAX = 65536L * DESC_BYTES;

    private final int index;
    private final int size;
    private final int descriptorsMax;
    private final boolean eventIdx;
    private final boolean indirect;
    private final long[] inFlightHeads;
    private long descriptorTable;
    private long availRing;
    private long usedRing;

    private int inFlight;
    private int nextAvail;
    /** avail.idx as last read. */
    private int availIdx;
    /** Where the next used element goes, modulo 2^16; what the driver sees lags until {@link #publishUsed}. */
    private int nextUsed;

    private int publishedUsed;
    /** Elements published since {@link #needsCall} last looked, up to 2^16. */
    private int usedSinceCallCheck;
    /** Before the first look nobody knows what the driver has been told: it is told. */
    private boolean callChecked;
    /** What avail_event or used.flags last were set to; meaningless while {@link #kicksWritten} is false. */
    private int kicksValue;

    private boolean kicksWritten;
    /** Null while nobody wants to know what is written to the used ring. */
    private UsedRingLog usedLog;

    /**
     * @param nextAvail where the device goes on in the avail ring; 0 for a new ring, what the device that served it
     *     before had reached for another. The used ring goes on where its idx in memory says.
     * @param features the accepted ones; RING_F_INDIRECT_DESC and RING_F_EVENT_IDX count here
     * @throws IllegalArgumentException a size that is no power of two within 2..32768
     */
    public SplitVirtqueue(int index, int size, SplitRing ring, int nextAvail, long features) {
        if (!VirtqueueLayout.isValidSize(size)) throw new IllegalArgumentException("queue size " + size);
        if (nextAvail < 0 || nextAvail > 0xFFFF) throw new IllegalArgumentException("nextAvail=" + nextAvail);
        this.index = index;
        this.size = size;
        this.descriptorsMax = descriptorsMax(size);
        this.eventIdx = (features & VirtqueueLayout.RING_F_EVENT_IDX) != 0;
        this.indirect = (features & VirtqueueLayout.RING_F_INDIRECT_DESC) != 0;
        this.inFlightHeads = new long[(size + 63) / 64];
        this.nextAvail = nextAvail;
        this.availIdx = nextAvail;
        moveTo(ring);
        nextUsed = Memory.getU16(usedRing + USED_IDX);
        Memory.raiseFaults();
        publishedUsed = nextUsed;
    }

    /**
     * How many descriptors a chain may have: those of the longest request, which drivers with indirect tables send to
     * short queues too, and the one that points at the table.
     */
    static int descriptorsMax(int queueSize) {
        return Math.max(queueSize, CHAIN_DESCRIPTORS_MIN) + 1;
    }

    /** The same ring at other addresses: the memory table changed under it. */
    public void moveTo(SplitRing ring) {
        descriptorTable = ring.descriptorTable();
        availRing = ring.availRing();
        usedRing = ring.usedRing();
    }

    /** Has all that is written to the used ring from now on marked in {@code log}; null: no more. */
    public void logUsed(UsedRingLog log) {
        usedLog = log;
    }

    public int index() {
        return index;
    }

    public int size() {
        return size;
    }

    /** Index of the next avail entry to take, modulo 2^16: what a device that goes on with this ring begins with. */
    public int nextAvail() {
        return nextAvail;
    }

    /** Chains taken and not returned. */
    public int inFlight() {
        return inFlight;
    }

    /** Whether {@link #poll} would find a chain, or a broken ring. At most one acquire load. */
    public boolean hasAvailable() {
        return availIdx != nextAvail || refresh();
    }

    /** Pairs with the driver's release of avail.idx: what it published before is visible after (2.7.13.3). */
    private boolean refresh() {
        availIdx = Memory.getU16Acquire(availRing + AVAIL_IDX);
        return availIdx != nextAvail;
    }

    /**
     * Copies the next available chain into {@code chain}.
     *
     * @return false when the driver has published nothing new
     * @throws VirtqueueBroken the driver broke a MUST; the caller stops this vring
     */
    public boolean poll(GuestMemory memory, Chain chain) {
        int position = nextAvail;
        if (availIdx == position && !refresh()) return false;
        if (((availIdx - position) & 0xFFFF) > size) throw new VirtqueueBroken(Fault.AVAIL_JUMP, availIdx);
        int head = Memory.getU16(availRing + AVAIL_RING + (long) AVAIL_ELEMENT_BYTES * (position & (size - 1)));
        if (head >= size) throw new VirtqueueBroken(Fault.HEAD_OUT_OF_RANGE, head);
        if ((inFlightHeads[head >>> 6] & 1L << head) != 0) throw new VirtqueueBroken(Fault.HEAD_IN_FLIGHT, head);
        take(memory, head, chain);
        inFlightHeads[head >>> 6] |= 1L << head;
        inFlight++;
        nextAvail = (position + 1) & 0xFFFF;
        return true;
    }

    /** Walks the chain, through at most one indirect table, which ends it (2.7.5.3). */
    private void take(GuestMemory memory, int head, Chain chain) {
        chain.begin(head);
        long table = descriptorTable;
        int tableSize = size;
        int next = head;
        int walkedInTable = 0;
        for (int walked = 0; walked < descriptorsMax; walked++) {
            long at = table + (long) DESC_BYTES * next;
            long gpa = Memory.getLong(at + DESC_ADDR);
            long lengthFlagsNext = Memory.getLong(at + DESC_LEN);
            long lengthBytes = lengthFlagsNext & 0xFFFF_FFFFL;
            int flags = (int) (lengthFlagsNext >>> 32);
            if ((flags & DESC_F_INDIRECT) != 0) {
                checkIndirect(head, flags, lengthBytes, table != descriptorTable);
                table = memory.translate(gpa, lengthBytes);
                if (table < 0) throw new VirtqueueBroken(Fault.BAD_ADDRESS, gpa);
                tableSize = (int) (lengthBytes / DESC_BYTES);
                walkedInTable = 0;
                next = 0;
                continue;
            }
            if (lengthBytes != 0) add(memory, chain, gpa, lengthBytes, flags & DESC_F_WRITE);
            if ((flags & DESC_F_NEXT) == 0) return;
            next = (int) (lengthFlagsNext >>> 48);
            if (next >= tableSize) throw new VirtqueueBroken(Fault.NEXT_OUT_OF_RANGE, next);
            // Each of a table's descriptors was walked: going on can only repeat one.
            if (++walkedInTable == tableSize) throw new VirtqueueBroken(Fault.CHAIN_LOOP, head);
        }
        throw new VirtqueueBroken(Fault.CHAIN_TOO_LONG, head);
    }

    /** The WRITE flag of a descriptor that points at a table means nothing (2.7.5.3.2). */
    private void checkIndirect(int head, int flags, long lengthBytes, boolean nested) {
        if (!indirect) throw new VirtqueueBroken(Fault.INDIRECT_NOT_NEGOTIATED, head);
        if (nested) throw new VirtqueueBroken(Fault.INDIRECT_NESTED, head);
        if ((flags & DESC_F_NEXT) != 0) throw new VirtqueueBroken(Fault.INDIRECT_WITH_NEXT, head);
        if (lengthBytes == 0 || lengthBytes % DESC_BYTES != 0 || lengthBytes > INDIRECT_TABLE_BYTES_MAX) {
            throw new VirtqueueBroken(Fault.INDIRECT_LENGTH, lengthBytes);
        }
    }

    private static void add(GuestMemory memory, Chain chain, long gpa, long lengthBytes, int writable) {
        if (writable == 0 && chain.writableCount() != 0) throw new VirtqueueBroken(Fault.READABLE_AFTER_WRITABLE, gpa);
        long host = memory.translate(gpa, lengthBytes);
        if (host < 0) addAcrossRegions(memory, chain, gpa, lengthBytes, writable);
        else put(chain, host, lengthBytes, writable);
    }

    private static void addAcrossRegions(GuestMemory memory, Chain chain, long gpa, long lengthBytes, int writable) {
        long at = gpa;
        long rest = lengthBytes;
        while (rest > 0) {
            long piece = Math.min(rest, memory.contiguousBytes(at));
            if (piece == 0) throw new VirtqueueBroken(Fault.BAD_ADDRESS, at);
            put(chain, memory.translate(at, piece), piece, writable);
            at += piece;
            rest -= piece;
        }
    }

    private static void put(Chain chain, long host, long lengthBytes, int writable) {
        boolean added = writable != 0 ? chain.addWritable(host, lengthBytes) : chain.addReadable(host, lengthBytes);
        if (!added) throw new VirtqueueBroken(Fault.CHAIN_TOO_LONG, chain.head());
    }

    /**
     * Writes the used element of a chain taken before; the driver sees it after {@link #publishUsed}.
     *
     * @param writtenBytes into the chain's device-writable buffers
     * @throws IllegalStateException the head is not in flight: our mistake
     */
    public void pushUsed(int head, int writtenBytes) {
        long bit = 1L << head;
        if ((inFlightHeads[head >>> 6] & bit) == 0) throw new IllegalStateException("head " + head + " not in flight");
        inFlightHeads[head >>> 6] &= ~bit;
        inFlight--;
        long at = usedRing + USED_RING + (long) USED_ELEMENT_BYTES * (nextUsed & (size - 1));
        // id in the low half, len in the high one: one store of both
        Memory.putLong(at, head | (long) writtenBytes << 32);
        nextUsed = (nextUsed + 1) & 0xFFFF;
    }

    /** Elements pushed that the driver was not shown yet. */
    public int unpublished() {
        return (nextUsed - publishedUsed) & 0xFFFF;
    }

    /** Shows the driver what was pushed. */
    public void publishUsed() {
        publishUsed(0);
    }

    /** Shows the driver what was pushed but for the last {@code heldBack}. The release pairs with its acquire (2.7.8.2). */
    public void publishUsed(int heldBack) {
        int fresh = unpublished() - heldBack;
        if (fresh <= 0) return;
        int first = publishedUsed & (size - 1);
        publishedUsed = (publishedUsed + fresh) & 0xFFFF;
        Memory.putU16Release(usedRing + USED_IDX, publishedUsed);
        if (usedLog != null) logPublished(first, fresh);
        usedSinceCallCheck = Math.min(usedSinceCallCheck + fresh, 0x10000);
    }

    private void logPublished(int first, int count) {
        int beforeEnd = Math.min(count, size - first);
        usedLog.mark(USED_RING + (long) USED_ELEMENT_BYTES * first, (long) USED_ELEMENT_BYTES * beforeEnd);
        if (count > beforeEnd) usedLog.mark(USED_RING, (long) USED_ELEMENT_BYTES * (count - beforeEnd));
        usedLog.mark(USED_IDX, 2);
    }

    /** Whether the driver wants a call for what was published since this was last asked (2.7.7.2, 2.7.10). */
    public boolean needsCall() {
        int fresh = usedSinceCallCheck;
        if (fresh == 0) return false;
        usedSinceCallCheck = 0;
        // used.idx must be out before used_event is read; pairs with the driver's barrier between the two.
        Memory.fullFence();
        if (!eventIdx) return (Memory.getU16(availRing + AVAIL_FLAGS) & AVAIL_F_NO_INTERRUPT) == 0;
        boolean sure = !callChecked || fresh > 0xFFFF; // a whole turn of the index passes every event
        callChecked = true;
        int usedEvent = Memory.getU16(availRing + VirtqueueLayout.usedEventOffset(size));
        return sure || EventIdx.needEvent(usedEvent, publishedUsed, publishedUsed - fresh);
    }

    /**
     * Says that kicks are not needed while the ring is polled. With EVENT_IDX that needs no store: the driver kicks
     * when it passes avail_event, which stays behind.
     */
    public void suppressKicks() {
        if (!eventIdx) writeKicks(USED_FLAGS, USED_F_NO_NOTIFY);
    }

    /**
     * Asks for a kick at the next available chain, then looks again: a chain published before the driver could see the
     * wish comes without a kick.
     *
     * @return true when there is work: the caller goes on polling
     */
    public boolean enableKicks() {
        if (eventIdx) writeKicks(VirtqueueLayout.availEventOffset(size), nextAvail);
        else writeKicks(USED_FLAGS, 0);
        // The wish must be out before avail.idx is read; pairs with the driver's barrier between the two.
        Memory.fullFence();
        return refresh();
    }

    private void writeKicks(long offset, int value) {
        if (kicksWritten && kicksValue == value) return;
        Memory.putU16(usedRing + offset, value);
        if (usedLog != null) usedLog.mark(offset, 2);
        kicksValue = value;
        kicksWritten = true;
    }
}
