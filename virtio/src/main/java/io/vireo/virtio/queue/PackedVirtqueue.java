package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.PackedLayout.DESC_ADDR;
import static io.vireo.virtio.queue.PackedLayout.DESC_FLAGS;
import static io.vireo.virtio.queue.PackedLayout.DESC_F_AVAIL;
import static io.vireo.virtio.queue.PackedLayout.DESC_F_USED;
import static io.vireo.virtio.queue.PackedLayout.DESC_ID;
import static io.vireo.virtio.queue.PackedLayout.DESC_LEN;
import static io.vireo.virtio.queue.PackedLayout.EVENT_FLAGS;
import static io.vireo.virtio.queue.PackedLayout.EVENT_FLAGS_MASK;
import static io.vireo.virtio.queue.PackedLayout.EVENT_OFF_WRAP;
import static io.vireo.virtio.queue.PackedLayout.RING_EVENT_FLAGS_DESC;
import static io.vireo.virtio.queue.PackedLayout.RING_EVENT_FLAGS_DISABLE;
import static io.vireo.virtio.queue.PackedLayout.RING_EVENT_FLAGS_ENABLE;
import static io.vireo.virtio.queue.PackedLayout.WRAP;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_BYTES;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_INDIRECT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_NEXT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_WRITE;

import io.vireo.posix.Memory;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;

/**
 * A packed virtqueue, device side (virtio 1.3, 2.8).
 *
 * <p>A position here is 0..2 * size - 1: an offset into the ring in a lap whose wrap counter is 1, then in one whose
 * wrap counter is 0. Distances between positions modulo 2 * size tell a full ring from an empty one.
 */
public final class PackedVirtqueue extends Virtqueue {
    private static final int AVAIL_USED = DESC_F_AVAIL | DESC_F_USED;

    private final int laps;
    private final int descriptorsMax;
    private final boolean eventIdx;
    private final boolean indirect;
    /** Null when nobody wants to know what is in flight. */
    private final PackedInflight inflight;
    /** By id of a chain in flight: the descriptors it takes in the ring. */
    private final char[] descriptors;
    private long descriptorRing;
    private long driverEvent;
    private long deviceEvent;

    private int nextAvail;
    private int nextUsed;
    /** From {@link #nextUsed} to {@link #nextAvail}: the ring's descriptors that are ours. */
    private int takenDescriptors;
    /** Of the descriptors that were ours when this began, those whose chains are known. */
    private int reservedDescriptors;
    /** Descriptors used since {@link #needsCall} last looked, up to two laps. */
    private int usedSinceCallCheck;
    /** Before the first look nobody knows what the driver has been told: it is told. */
    private boolean callChecked;
    /** What the device's event suppression structure was last set to; -1 when it was not. */
    private int kickFlags = -1;

    private int kickOffWrap = -1;

    /**
     * @param base offset and wrap counter of the next descriptor to take in the low half, of the next to use in the high
     * @throws IllegalArgumentException a size beyond 1..32768, or a base that such a ring never has
     */
    PackedVirtqueue(
            int index, int size, VirtqueueAreas areas, int base, long features, UsedLog usedLog, InflightArea area) {
        super(index, size, features, usedLog, area);
        boolean goesOn = area != null && area.isBegun();
        if (!goesOn && !isValidBase(size, base)) throw new IllegalArgumentException("base 0x" + Integer.toHexString(base));
        laps = 2 * size;
        descriptorsMax = descriptorsMax(size);
        eventIdx = (features & VirtqueueLayout.RING_F_EVENT_IDX) != 0;
        indirect = (features & VirtqueueLayout.RING_F_INDIRECT_DESC) != 0;
        descriptors = new char[size];
        moveTo(areas);
        if (!goesOn) {
            nextAvail = position(base & 0xFFFF, size);
            nextUsed = position(base >>> 16, size);
        }
        inflight = area == null
                ? null
                : new PackedInflight(area, size, descriptorRing, offset(nextUsed), wrap(nextUsed));
        if (goesOn) {
            nextUsed = inflight.usedWrap() ? inflight.usedIdx() : inflight.usedIdx() + size;
            nextAvail = advance(nextUsed, inflight.againDescriptors());
            unmarkUsed(inflight.againDescriptors());
        }
        takenDescriptors = Math.floorMod(nextAvail - nextUsed, laps);
        Memory.raiseFaults();
    }

    /**
     * A device that died before it wrote a batch's first descriptor had marked the others as used already. The driver
     * would believe these marks once it gets there, and what is used there will be something else.
     */
    private void unmarkUsed(int count) {
        for (int i = 0; i < count; i++) {
            int position = advance(nextUsed, i);
            long at = at(position) + DESC_FLAGS;
            int flags = Memory.getU16(at);
            if ((flags & AVAIL_USED) != (wrap(position) ? AVAIL_USED : 0)) continue;
            Memory.putU16(at, flags & ~AVAIL_USED | (wrap(position) ? DESC_F_AVAIL : DESC_F_USED));
            if (usedLog() != null) usedLog().markDescriptors(offset(position), 1, size());
        }
    }

    static boolean isValidBase(int size, int base) {
        int avail = base & 0xFFFF;
        int used = base >>> 16;
        return (avail & ~WRAP) < size && (used & ~WRAP) < size
                && Math.floorMod(position(avail, size) - position(used, size), 2 * size) <= size;
    }

    private static int position(int offWrap, int size) {
        return (offWrap & WRAP) != 0 ? offWrap & ~WRAP : offWrap + size;
    }

    private int offset(int position) {
        return position < size() ? position : position - size();
    }

    private boolean wrap(int position) {
        return position < size();
    }

    private int offWrap(int position) {
        return wrap(position) ? position | WRAP : position - size();
    }

    private int advance(int position, int count) {
        int next = position + count;
        return next < laps ? next : next - laps;
    }

    private long at(int position) {
        return descriptorRing + (long) DESC_BYTES * offset(position);
    }

    @Override
    public void moveTo(VirtqueueAreas areas) {
        descriptorRing = areas.descriptor();
        driverEvent = areas.driver();
        deviceEvent = areas.device();
    }

    /** As vhost-user's document lays it out for packed virtqueues. */
    @Override
    public int base() {
        return offWrap(nextAvail) | offWrap(nextUsed) << 16;
    }

    @Override
    public int ringDescriptors(int id) {
        return descriptors[id];
    }

    /** They are among those that the base counts as ours. */
    @Override
    void reserve(int id, int ringDescriptors) {
        if (ringDescriptors < 1 || ringDescriptors > takenDescriptors - reservedDescriptors) {
            throw new IllegalArgumentException(ringDescriptors + " descriptors of chain " + id);
        }
        reservedDescriptors += ringDescriptors;
        descriptors[id] = (char) ringDescriptors;
    }

    @Override
    public boolean hasAvailable() {
        return resubmits() != 0 || isAvailable(Memory.getU16Acquire(at(nextAvail) + DESC_FLAGS), nextAvail);
    }

    @Override
    public int resubmits() {
        return inflight == null ? 0 : inflight.againCount();
    }

    /** Whether the driver has marked the descriptor there in this lap (2.8.1). */
    private boolean isAvailable(int flags, int position) {
        return (flags & AVAIL_USED) == (wrap(position) ? DESC_F_AVAIL : DESC_F_USED);
    }

    /** The acquire pairs with the driver's barrier before it marks a chain's first descriptor (2.8.21.1). */
    @Override
    public boolean poll(GuestMemory memory, Chain chain) {
        if (inflight != null && inflight.againCount() != 0) return pollAgain(memory, chain);
        int position = nextAvail;
        long at = at(position);
        long lengthIdFlags = Memory.getLongAcquire(at + DESC_LEN);
        if (!isAvailable(flags(lengthIdFlags), position)) return false;
        int head = offset(position);
        chain.begin(head);
        int count = 1;
        if (takenDescriptors == size()) throw new VirtqueueBroken(Fault.RING_OVERRUN, head);
        if ((flags(lengthIdFlags) & DESC_F_INDIRECT) != 0) {
            takeTable(memory, head, Memory.getLong(at + DESC_ADDR), lengthIdFlags, chain);
        } else {
            add(memory, Memory.getLong(at + DESC_ADDR), lengthIdFlags, chain);
            while ((flags(lengthIdFlags) & DESC_F_NEXT) != 0) {
                if (takenDescriptors + count++ == size()) throw new VirtqueueBroken(Fault.RING_OVERRUN, head);
                position = advance(position, 1);
                at = at(position);
                lengthIdFlags = Memory.getLong(at + DESC_LEN);
                checkNext(flags(lengthIdFlags), position, head);
                add(memory, Memory.getLong(at + DESC_ADDR), lengthIdFlags, chain);
            }
        }
        int id = (int) (lengthIdFlags >>> 32) & 0xFFFF;
        if (id >= size()) throw new VirtqueueBroken(Fault.BUFFER_ID_OUT_OF_RANGE, id);
        if (isInFlight(id)) throw new VirtqueueBroken(Fault.BUFFER_ID_IN_FLIGHT, id);
        chain.identify(id);
        descriptors[id] = (char) count;
        if (inflight != null) copy(id, count);
        takenDescriptors += count;
        nextAvail = advance(position, 1);
        taken(id);
        return true;
    }

    /** Reads them once more: a driver that changes them meanwhile gets what it wrote, judged as strictly. */
    private void copy(int id, int count) {
        inflight.begin();
        for (int i = 0; i < count; i++) {
            long at = at(advance(nextAvail, i));
            inflight.copy(Memory.getLong(at + DESC_ADDR), Memory.getLong(at + DESC_LEN));
        }
        inflight.taken(id, count);
    }

    /** From the copies: in the ring other chains may have been used over them. */
    private boolean pollAgain(GuestMemory memory, Chain chain) {
        int id = inflight.again();
        int last = inflight.last(id);
        chain.begin(id);
        int count = 1;
        for (int entry = inflight.first(id); ; entry = inflight.next(entry), count++) {
            long lengthIdFlags = inflight.lengthIdFlags(entry);
            long address = inflight.address(entry);
            if ((flags(lengthIdFlags) & DESC_F_INDIRECT) == 0) {
                add(memory, address, lengthIdFlags, chain);
            } else {
                if (count > 1 || entry != last) throw new VirtqueueBroken(Fault.INDIRECT_WITH_NEXT, id);
                takeTable(memory, id, address, lengthIdFlags, chain);
            }
            if (entry == last) break;
        }
        descriptors[id] = (char) count;
        taken(id);
        inflight.takenAgain();
        return true;
    }

    private static int flags(long lengthIdFlags) {
        return (int) (lengthIdFlags >>> 48);
    }

    private static void add(GuestMemory memory, long gpa, long lengthIdFlags, Chain chain) {
        long lengthBytes = lengthIdFlags & 0xFFFF_FFFFL;
        if (lengthBytes == 0) return;
        chain.add(memory, gpa, lengthBytes, (flags(lengthIdFlags) & DESC_F_WRITE) != 0);
    }

    /** The rest of a chain is there before its first descriptor, and holds no table (2.8.17 and 2.8.19). */
    private void checkNext(int flags, int position, int head) {
        if (!isAvailable(flags, position)) throw new VirtqueueBroken(Fault.NEXT_NOT_AVAILABLE, offset(position));
        if ((flags & DESC_F_INDIRECT) != 0) throw new VirtqueueBroken(Fault.INDIRECT_WITH_NEXT, head);
    }

    /** A table's descriptors follow each other; of their flags only WRITE counts (2.8.7). */
    private void takeTable(GuestMemory memory, int head, long gpa, long lengthIdFlags, Chain chain) {
        if (!indirect) throw new VirtqueueBroken(Fault.INDIRECT_NOT_NEGOTIATED, head);
        if ((flags(lengthIdFlags) & DESC_F_NEXT) != 0) throw new VirtqueueBroken(Fault.INDIRECT_WITH_NEXT, head);
        long lengthBytes = lengthIdFlags & 0xFFFF_FFFFL;
        long table = indirectTable(memory, gpa, lengthBytes);
        int count = (int) (lengthBytes / DESC_BYTES);
        if (count >= descriptorsMax) throw new VirtqueueBroken(Fault.CHAIN_TOO_LONG, head);
        for (int i = 0; i < count; i++) {
            long at = table + (long) DESC_BYTES * i;
            add(memory, Memory.getLong(at + DESC_ADDR), Memory.getLong(at + DESC_LEN), chain);
        }
    }

    /**
     * The driver looks at the next used descriptor and at no other: it finds all of them once the flags of the first are
     * written. The release pairs with its acquire of these flags.
     */
    @Override
    void writeUsed(int position, int count) {
        long first = used(position);
        int fresh = descriptors[(int) first];
        int next = advance(nextUsed, fresh);
        for (int i = 1; i < count; i++) {
            long used = used(position + i);
            int id = (int) used;
            Memory.putLong(at(next) + DESC_LEN,
                    used >>> 32 | (long) id << 32 | (long) usedFlags(next, used >>> 32) << 48);
            next = advance(next, descriptors[id]);
            fresh += descriptors[id];
        }
        if (inflight != null) free(position, count, next);
        long at = at(nextUsed);
        Memory.putInt(at + DESC_LEN, (int) (first >>> 32));
        Memory.putU16(at + DESC_ID, (int) first);
        Memory.putU16Release(at + DESC_FLAGS, usedFlags(nextUsed, first >>> 32));
        if (inflight != null) clear(position, count, next);
        // With those between that are skipped: pages are counted, not descriptors.
        if (usedLog() != null) usedLog().markDescriptors(offset(nextUsed), fresh, size());
        nextUsed = next;
        takenDescriptors -= fresh;
        usedSinceCallCheck = Math.min(usedSinceCallCheck + fresh, laps);
    }

    private void free(int position, int count, int next) {
        for (int i = 0; i < count; i++) inflight.free((int) used(position + i));
        inflight.freed(offset(next), wrap(next));
    }

    private void clear(int position, int count, int next) {
        Memory.storeFence();
        for (int i = 0; i < count; i++) inflight.clear((int) used(position + i));
        Memory.storeFence();
        inflight.cleared(offset(next), wrap(next));
    }

    /** A length counts only with the WRITE flag (2.8.4). */
    private int usedFlags(int position, long written) {
        return (wrap(position) ? AVAIL_USED : 0) | (written != 0 ? DESC_F_WRITE : 0);
    }

    /** As 2.8.10 says. */
    @Override
    public boolean needsCall() {
        int fresh = usedSinceCallCheck;
        if (fresh == 0) return false;
        usedSinceCallCheck = 0;
        // What is used must be out before the driver's wish is read; pairs with its barrier between the two.
        Memory.fullFence();
        boolean sure = !callChecked || fresh == laps; // two laps pass every event
        callChecked = true;
        int flags = Memory.getU16Acquire(driverEvent + EVENT_FLAGS) & EVENT_FLAGS_MASK;
        if (flags == RING_EVENT_FLAGS_DISABLE) return false;
        if (flags != RING_EVENT_FLAGS_DESC || !eventIdx || sure) return true;
        int event = position(Memory.getU16(driverEvent + EVENT_OFF_WRAP), size());
        return Math.floorMod(event - (nextUsed - fresh), laps) < fresh;
    }

    @Override
    public void suppressKicks() {
        writeKickFlags(RING_EVENT_FLAGS_DISABLE);
    }

    @Override
    public boolean enableKicks() {
        if (eventIdx) {
            int offWrap = offWrap(nextAvail);
            if (kickOffWrap != offWrap) {
                Memory.putU16(deviceEvent + EVENT_OFF_WRAP, offWrap);
                if (usedLog() != null) usedLog().markDeviceArea(EVENT_OFF_WRAP, 2);
            }
            kickOffWrap = offWrap;
        }
        writeKickFlags(eventIdx ? RING_EVENT_FLAGS_DESC : RING_EVENT_FLAGS_ENABLE);
        // The wish must be out before the next descriptor is read; pairs with the driver's barrier between the two.
        Memory.fullFence();
        return hasAvailable();
    }

    /** The release keeps the offset before the flags that make it count. */
    private void writeKickFlags(int flags) {
        if (kickFlags == flags) return;
        Memory.putU16Release(deviceEvent + EVENT_FLAGS, flags);
        if (usedLog() != null) usedLog().markDeviceArea(EVENT_FLAGS, 2);
        kickFlags = flags;
    }
}
