package io.vireo.virtio.queue;

import io.vireo.posix.Memory;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;

/**
 * One virtqueue, device side (virtio 1.3, 2.6), whatever its format. Owned by one IOThread.
 *
 * <p>Taking: {@link #poll} copies each descriptor once and translates it; everything after works on the copy. Returning:
 * any number of {@link #pushUsed}, then one {@link #publishUsed}, then {@link #needsCall}. A virtqueue that broke a rule
 * throws {@link VirtqueueBroken} and has not moved.
 *
 * <p>When the guest's memory went away under its mapping, any method may answer nonsense and {@link InternalError} is
 * raised at the latest by the caller's {@link Memory#raiseFaults}.
 *
 * <p>The formats meet here so that a request costs one virtual call, {@link #poll}; all others come once a batch.
 */
public abstract sealed class Virtqueue permits SplitVirtqueue, PackedVirtqueue {
    /** Descriptors accepted in one chain of a smaller queue: 1024 data buffers, a header and a status. */
    private static final int CHAIN_DESCRIPTORS_MIN = 1026;

    /** A descriptor's next is 16 bits: no longer table can be walked. */
    private static final long INDIRECT_TABLE_BYTES_MAX = 65536L * VirtqueueLayout.DESC_BYTES;

    /** What became of the chain that the driver knows by an id. */
    private static final byte FREE = 0;

    private static final byte TAKEN = 1;
    /** Pushed, and the driver does not see it yet: the id is not its own again. */
    private static final byte PUSHED = 2;

    private final int index;
    private final int size;
    private final byte[] states;
    /** What the driver is to see, oldest first: id and, in the upper half, written bytes. Positions are masked. */
    private final long[] used;

    private final int mask;
    /** Null without IN_ORDER. */
    private final UseOrder useOrder;

    private int takenCount;
    private int pushedCount;
    /** Of what was pushed, how much is in {@link #used}: all of it without IN_ORDER. */
    private int orderedCount;

    private int publishedCount;
    /** Null while nobody wants to know what is written to use buffers. */
    private UsedLog usedLog;
    /** Null when nobody wants to know what is in flight. */
    private final InflightArea inflightArea;

    /** @throws IllegalArgumentException a size beyond 1..32768 */
    Virtqueue(int index, int size, long features, UsedLog usedLog, InflightArea inflightArea) {
        this.usedLog = usedLog;
        this.inflightArea = inflightArea;
        if (size < 1 || size > VirtqueueLayout.SIZE_MAX) throw new IllegalArgumentException("queue size " + size);
        this.index = index;
        this.size = size;
        states = new byte[size];
        mask = Math.max(1, Integer.highestOneBit(size - 1) << 1) - 1;
        used = new long[mask + 1];
        useOrder = (features & VirtqueueLayout.F_IN_ORDER) != 0 ? new UseOrder(mask + 1) : null;
    }

    /**
     * A virtqueue in the format that the driver accepted.
     *
     * @param base where the device goes on, see {@link #base}
     * @param features the accepted ones; those about rings count here
     * @throws IllegalArgumentException a size or a base that no such virtqueue has
     */
    public static Virtqueue of(int index, int size, VirtqueueAreas areas, int base, long features) {
        return of(index, size, areas, base, features, null, null);
    }

    /**
     * As above, for those who want to know of it, or to go on where a device has died.
     *
     * @param usedLog see {@link #logUsed}
     * @param inflight where to write down what is in flight, null for nowhere. If it was written before, the device begins
     *     with what was in flight, and not at {@code base}. Stays mapped until {@link #close}.
     * @throws VirtqueueBroken what is written there is nonsense
     */
    public static Virtqueue of(
            int index, int size, VirtqueueAreas areas, int base, long features, UsedLog usedLog, InflightArea inflight) {
        Virtqueue virtqueue = switch (RingFormat.of(features)) {
            case SPLIT -> new SplitVirtqueue(index, size, areas, base, features, usedLog, inflight);
            case PACKED -> new PackedVirtqueue(index, size, areas, base, features, usedLog, inflight);
        };
        if (inflight != null) inflight.mapping().retain();
        return virtqueue;
    }

    /** Gives up the memory in which requests in flight are written down. Nothing is called after this. */
    public final void close() {
        if (inflightArea != null) inflightArea.mapping().release();
    }

    /** Whether what is in flight is written down, so that another device can go on with it. */
    public final boolean isTracked() {
        return inflightArea != null;
    }

    /** Chains in flight in a device before this one, which are taken first and once more. */
    public abstract int resubmits();

    /**
     * How many descriptors a chain may have: those of the longest request, which drivers with indirect tables send to
     * short queues too, and the one that points at the table.
     */
    static int descriptorsMax(int queueSize) {
        return Math.max(queueSize, CHAIN_DESCRIPTORS_MIN) + 1;
    }

    public final int index() {
        return index;
    }

    public final int size() {
        return size;
    }

    /** Chains taken and not returned. */
    public final int inFlight() {
        return takenCount - pushedCount;
    }

    /** The same virtqueue at other addresses: the memory table changed under it. */
    public abstract void moveTo(VirtqueueAreas areas);

    /** Has all that is written into the virtqueue's areas from now on marked in {@code log}; null: no more. */
    public final void logUsed(UsedLog log) {
        usedLog = log;
    }

    final UsedLog usedLog() {
        return usedLog;
    }

    /**
     * Where a device begins that goes on with this virtqueue, in the words of vhost-user's vring base: the next avail
     * index, modulo 2^16; in a packed virtqueue offset and wrap counter (bit 15) of the next descriptor to take, and in
     * the upper half of the next to use.
     */
    public abstract int base();

    /** Whether {@link #poll} would find a chain, or a broken ring. At most one acquire load. */
    public abstract boolean hasAvailable();

    /**
     * Copies the next available chain into {@code chain}.
     *
     * @return false when the driver has published nothing new
     * @throws VirtqueueBroken the driver broke a MUST; the caller stops this vring
     */
    public abstract boolean poll(GuestMemory memory, Chain chain);

    /**
     * A chain that another device took from here, and that is this one's from now on.
     *
     * @param ringDescriptors what {@link #ringDescriptors} said there
     * @throws IllegalArgumentException no chain that can be in flight has these numbers
     */
    public final void retake(int id, int ringDescriptors) {
        if (id < 0 || id >= size || isInFlight(id)) throw new IllegalArgumentException("chain " + id);
        reserve(id, ringDescriptors);
        taken(id);
    }

    /** How many of the ring's descriptors a chain in flight holds that say nothing of their chain any more; 0 if they do. */
    public abstract int ringDescriptors(int id);

    abstract void reserve(int id, int ringDescriptors);

    /** A table of descriptors, translated; nothing of it is read. */
    static long indirectTable(GuestMemory memory, long gpa, long lengthBytes) {
        if (lengthBytes == 0 || lengthBytes % VirtqueueLayout.DESC_BYTES != 0 || lengthBytes > INDIRECT_TABLE_BYTES_MAX) {
            throw new VirtqueueBroken(Fault.INDIRECT_LENGTH, lengthBytes);
        }
        long table = memory.translate(gpa, lengthBytes);
        if (table < 0) throw new VirtqueueBroken(Fault.BAD_ADDRESS, gpa);
        return table;
    }

    /** Whether the chain of this id is ours: taken and not shown as used. {@code id} is below the size. */
    final boolean isInFlight(int id) {
        return states[id] != FREE;
    }

    final void taken(int id) {
        states[id] = TAKEN;
        takenCount++;
        if (useOrder != null) useOrder.taken(id);
    }

    /**
     * Returns a chain taken before; the driver sees it after {@link #publishUsed}, with IN_ORDER not before those taken
     * earlier.
     *
     * @param id the chain's
     * @param written bytes in the chain's device-writable buffers
     * @throws IllegalStateException the chain is not in flight: our mistake
     */
    public final void pushUsed(int id, int written) {
        if (states[id] != TAKEN) throw new IllegalStateException("chain " + id + " is not in flight");
        states[id] = PUSHED;
        pushedCount++;
        long element = id | (long) written << 32;
        if (useOrder == null) used[orderedCount++ & mask] = element;
        else pushInOrder(id, element);
    }

    private void pushInOrder(int id, long element) {
        useOrder.done(id, element);
        for (long next; (next = useOrder.next()) != UseOrder.NOT_DONE; ) used[orderedCount++ & mask] = next;
    }

    /** Chains pushed that the driver was not shown yet. */
    final int unpublished() {
        return pushedCount - publishedCount;
    }

    /** Shows the driver what was pushed, with IN_ORDER as far as all before it was. */
    public final void publishUsed() {
        int fresh = orderedCount - publishedCount;
        if (fresh == 0) return;
        writeUsed(publishedCount, fresh);
        for (int i = 0; i < fresh; i++) states[(int) used(publishedCount++)] = FREE;
    }

    /** Writes what is to be seen from a position on, and makes it visible at once and in this order. */
    abstract void writeUsed(int position, int count);

    /** Id in the low half, written bytes in the high one. */
    final long used(int position) {
        return used[position & mask];
    }

    /** Whether the driver wants a call for what was published since this was last asked. */
    public abstract boolean needsCall();

    /** Says that kicks are not needed while the virtqueue is polled. */
    public abstract void suppressKicks();

    /**
     * Asks for a kick at the next available chain, then looks again: a chain published before the driver could see the
     * wish comes without a kick.
     *
     * @return true when there is work: the caller goes on polling
     */
    public abstract boolean enableKicks();
}
