package io.vireo.virtio.driver;

import static io.vireo.virtio.queue.VirtqueueLayout.*;

import io.vireo.posix.Memory;
import java.util.Arrays;

/**
 * A split virtqueue as a driver keeps it (virtio 1.3, 2.7): it owns descriptor table and avail ring, and believes
 * nothing in the used ring without a look at its own books. Nothing is allocated after construction.
 *
 * <p>A request is a chain of buffers made by {@link #begin}, {@link #add} for each, and {@link #commit}; any number of
 * them becomes the device's with one {@link #publish}. Thread: one.
 */
public final class DriverVirtqueue {
    private static final int U16 = 0xFFFF;
    private static final int NONE = -1;

    private final int size;
    private final int mask;
    private final boolean eventIdx;
    private final boolean indirect;
    private final int buffersMax;

    private final long descGpa;
    private final long availGpa;
    private final long usedGpa;
    private final long tablesGpa;
    private final long desc;
    private final long avail;
    private final long used;
    private final long tables;
    private final long usedEventAddress;
    private final long availEventAddress;

    /** Per descriptor, here and not in shared memory: the next one of its chain or of the free list. */
    private final int[] next;
    /** Per head, the caller's token while the chain is the device's, else NONE. */
    private final int[] tokens;
    /** Per head, the descriptors it took from the table. */
    private final int[] taken;

    /** Per head, the bytes the device may write. */
    private final long[] writableBytes;

    private final long[] buildGpa;
    private final int[] buildLength;
    private final boolean[] buildWritable;
    private int buildCount;
    private boolean tablesWanted = true;

    private int freeHead;
    private int freeCount;
    private int inFlight;
    private int nextAvail;
    private int publishedAvail;
    private int kickCheckedAvail;
    private int nextUsed;
    private int seenUsed;
    private long lastUsedLength;

    /**
     * Lays an empty ring out in {@code memory}.
     *
     * @param ringFeatures RING_F_INDIRECT_DESC and RING_F_EVENT_IDX as accepted; other bits do not matter
     * @param buffersMax the most buffers in one chain
     */
    public DriverVirtqueue(DriverMemory memory, int size, long ringFeatures, int buffersMax) {
        if (!isValidSize(size)) throw new IllegalArgumentException("queue size " + size);
        this.size = size;
        this.mask = size - 1;
        this.eventIdx = (ringFeatures & RING_F_EVENT_IDX) != 0;
        this.indirect = (ringFeatures & RING_F_INDIRECT_DESC) != 0;
        // 2.7.5.3.1: not even an indirect chain is longer than the queue size.
        this.buffersMax = Math.min(buffersMax, size);
        descGpa = memory.allocate(descriptorTableBytes(size), DESC_ALIGNMENT_BYTES);
        availGpa = memory.allocate(availRingBytes(size), AVAIL_ALIGNMENT_BYTES);
        usedGpa = memory.allocate(usedRingBytes(size), USED_ALIGNMENT_BYTES);
        tablesGpa = indirect ? memory.allocate((long) size * tableBytes(), DESC_ALIGNMENT_BYTES) : 0;
        desc = memory.address(descGpa);
        avail = memory.address(availGpa);
        used = memory.address(usedGpa);
        tables = indirect ? memory.address(tablesGpa) : 0;
        usedEventAddress = avail + usedEventOffset(size);
        availEventAddress = used + availEventOffset(size);
        next = new int[size];
        tokens = new int[size];
        taken = new int[size];
        writableBytes = new long[size];
        buildGpa = new long[this.buffersMax];
        buildLength = new int[this.buffersMax];
        buildWritable = new boolean[this.buffersMax];
        reset(0);
    }

    /** Begins anew with nothing in flight and both indices at {@code index}, as when a ring starts or is resumed idle. */
    public void reset(int index) {
        for (int i = 0; i < size; i++) next[i] = i + 1;
        Arrays.fill(tokens, NONE);
        freeHead = 0;
        freeCount = size;
        inFlight = 0;
        nextAvail = publishedAvail = kickCheckedAvail = nextUsed = seenUsed = index & U16;
        Memory.putU16(avail + AVAIL_FLAGS, 0);
        Memory.putU16(usedEventAddress, nextUsed);
        Memory.putU16(used + USED_FLAGS, 0);
        Memory.putU16(used + USED_IDX, nextUsed);
        Memory.putU16(availEventAddress, nextUsed);
        Memory.putU16Release(avail + AVAIL_IDX, nextAvail);
    }

    /**
     * After the device went away with requests in flight: offers those it did not use again, from its used index on, so
     * that one which starts at {@link #resumeIndex} finds them all. To be called while no device serves the ring.
     */
    public void offerAgain() {
        int used = nextUsed + pendingUsed();
        int at = used;
        for (int head = 0; head < size; head++)
            if (tokens[head] != NONE && !isPending(head)) Memory.putU16(availSlot(at++), head);
        nextAvail = at & U16;
        publish();
        kickCheckedAvail = used & U16;
    }

    /** The avail index at which a device resumes when nobody else remembers one: all before it was used. */
    public int resumeIndex() {
        return (nextUsed + pendingUsed()) & U16;
    }

    public void begin() {
        buildCount = 0;
    }

    /** Adds a buffer to the chain being made; device-readable ones come first (2.7.4.2). */
    public void add(long gpa, int lengthBytes, boolean writable) {
        buildGpa[buildCount] = gpa;
        buildLength[buildCount] = lengthBytes;
        buildWritable[buildCount] = writable;
        buildCount++;
    }

    /** Whether chains of several buffers go into indirect tables from now on; needs the feature, and is on at first. */
    public void useIndirect(boolean wanted) {
        tablesWanted = wanted;
    }

    /**
     * Puts the chain into the avail ring, not yet visible to the device.
     *
     * @param token what {@link #reap} answers for it, not negative
     * @return false when the descriptor table has no room; nothing happened
     */
    public boolean commit(int token) {
        boolean table = indirect && tablesWanted && buildCount > 1;
        int needed = table ? 1 : buildCount;
        if (needed > freeCount) return false;
        int head = freeHead;
        long writable = table ? writeTable(head) : writeChain(head);
        if (table) freeHead = next[head];
        freeCount -= needed;
        inFlight++;
        tokens[head] = token;
        taken[head] = needed;
        writableBytes[head] = writable;
        Memory.putU16(availSlot(nextAvail), head);
        nextAvail = (nextAvail + 1) & U16;
        return true;
    }

    /** Makes all committed chains visible: the release pairs with the device's acquire of the avail index (2.7.13). */
    public void publish() {
        publishedAvail = nextAvail;
        Memory.putU16Release(avail + AVAIL_IDX, publishedAvail);
    }

    /** Whether anything was committed since the last {@link #publish}. */
    public boolean hasUnpublished() {
        return nextAvail != publishedAvail;
    }

    /** Whether the device wants a kick for what was published since this was last asked (2.7.10). */
    public boolean kickNeeded() {
        Memory.fullFence(); // the avail index before the device's wish; pairs with the device's fence after stating it
        int moved = (publishedAvail - kickCheckedAvail) & U16;
        int before = kickCheckedAvail;
        kickCheckedAvail = publishedAvail;
        if (moved == 0) return false;
        if (!eventIdx) return (Memory.getU16(used + USED_FLAGS) & USED_F_NO_NOTIFY) == 0;
        // Asked for when the entry at avail_event is among those that were added: before <= event < published.
        int distance = (Memory.getU16(availEventAddress) - before) & U16;
        return distance < moved;
    }

    /**
     * How many used elements wait to be reaped.
     *
     * @throws DeviceFault the device used more chains than it was given
     */
    public int pendingUsed() {
        seenUsed = Memory.getU16Acquire(used + USED_IDX); // pairs with the device's release
        int pending = (seenUsed - nextUsed) & U16;
        if (pending > inFlight)
            throw new DeviceFault("used index moved by " + pending + " to " + seenUsed + " with " + inFlight + " in flight");
        return pending;
    }

    /**
     * Takes the next used chain back.
     *
     * @return its token, or -1 when there is none
     * @throws DeviceFault the device used something it was not given, or wrote more than there is room for
     */
    public int reap() {
        if (nextUsed == seenUsed && pendingUsed() == 0) return NONE;
        long element = usedElement(nextUsed);
        long id = Memory.getU32(element + USED_ELEMENT_ID);
        lastUsedLength = Memory.getU32(element + USED_ELEMENT_LEN);
        if (id >= size || tokens[(int) id] == NONE)
            throw new DeviceFault("used element " + nextUsed + " names head " + id + ", which is not in flight");
        int head = (int) id;
        if (lastUsedLength > writableBytes[head])
            throw new DeviceFault("used element " + nextUsed + " says " + lastUsedLength + " bytes were written to "
                    + writableBytes[head]);
        int token = tokens[head];
        tokens[head] = NONE;
        giveBack(head);
        inFlight--;
        nextUsed = (nextUsed + 1) & U16;
        return token;
    }

    /** Bytes the device said it wrote into the chain that {@link #reap} answered last. */
    public long usedLengthBytes() {
        return lastUsedLength;
    }

    /**
     * Asks for a call with the next used element.
     *
     * @return true when one came meanwhile, which may not be followed by a call (2.7.7)
     */
    public boolean armCall() {
        if (eventIdx) Memory.putU16(usedEventAddress, nextUsed);
        else Memory.putU16(avail + AVAIL_FLAGS, 0);
        Memory.fullFence(); // the wish before the used index; pairs with the device's fence before it looks for the wish
        return pendingUsed() > 0;
    }

    /** Asks for no calls. A hint: the device may call nevertheless. */
    public void suppressCalls() {
        // With EVENT_IDX the flag must stay 0; the element before the next one comes only after 65535 others.
        if (eventIdx) Memory.putU16(usedEventAddress, (nextUsed - 1) & U16);
        else Memory.putU16(avail + AVAIL_FLAGS, AVAIL_F_NO_INTERRUPT);
    }

    public int size() {
        return size;
    }

    public int buffersMax() {
        return buffersMax;
    }

    /** Chains that are the device's, or committed and not yet published. */
    public int inFlight() {
        return inFlight;
    }

    /** How many chains of that many buffers fit into an empty ring. */
    public int chainsMax(int buffers) {
        return indirect ? size : size / buffers;
    }

    public int freeDescriptors() {
        return freeCount;
    }

    public long descGpa() {
        return descGpa;
    }

    public long availGpa() {
        return availGpa;
    }

    public long usedGpa() {
        return usedGpa;
    }

    /** The same three at their addresses in this process, which a vhost-user front-end calls user addresses. */
    public long descAddress() {
        return desc;
    }

    public long availAddress() {
        return avail;
    }

    public long usedAddress() {
        return used;
    }

    @Override
    public String toString() {
        return "size " + size + ", avail idx " + publishedAvail + ", used idx " + Memory.getU16(used + USED_IDX)
                + " (reaped to " + nextUsed + "), avail_event " + Memory.getU16(availEventAddress) + ", used_event "
                + Memory.getU16(usedEventAddress) + ", in flight " + inFlight;
    }

    private long writeChain(int head) {
        long writable = 0;
        int index = head;
        for (int i = 0; i < buildCount; i++) {
            boolean last = i == buildCount - 1;
            writable += writeDescriptor(desc + (long) index * DESC_BYTES, i, last ? 0 : DESC_F_NEXT, last ? 0 : next[index]);
            if (last) freeHead = next[index];
            else index = next[index];
        }
        return writable;
    }

    private long writeTable(int head) {
        long table = tables + head * tableBytes();
        long writable = 0;
        for (int i = 0; i < buildCount; i++) {
            boolean last = i == buildCount - 1;
            writable += writeDescriptor(table + (long) i * DESC_BYTES, i, last ? 0 : DESC_F_NEXT, last ? 0 : i + 1);
        }
        long at = desc + (long) head * DESC_BYTES;
        Memory.putLong(at + DESC_ADDR, tablesGpa + head * tableBytes());
        Memory.putInt(at + DESC_LEN, buildCount * DESC_BYTES);
        Memory.putU16(at + DESC_FLAGS, DESC_F_INDIRECT);
        Memory.putU16(at + DESC_NEXT, 0);
        return writable;
    }

    private long writeDescriptor(long at, int buffer, int flags, int nextIndex) {
        boolean writable = buildWritable[buffer];
        Memory.putLong(at + DESC_ADDR, buildGpa[buffer]);
        Memory.putInt(at + DESC_LEN, buildLength[buffer]);
        Memory.putU16(at + DESC_FLAGS, writable ? flags | DESC_F_WRITE : flags);
        Memory.putU16(at + DESC_NEXT, nextIndex);
        return writable ? Integer.toUnsignedLong(buildLength[buffer]) : 0;
    }

    private void giveBack(int head) {
        int tail = head;
        for (int i = 1; i < taken[head]; i++) tail = next[tail];
        next[tail] = freeHead;
        freeHead = head;
        freeCount += taken[head];
    }

    private boolean isPending(int head) {
        for (int index = nextUsed; index != seenUsed; index = (index + 1) & U16)
            if (Memory.getU32(usedElement(index) + USED_ELEMENT_ID) == head) return true;
        return false;
    }

    private long usedElement(int index) {
        return used + USED_RING + (long) (index & mask) * USED_ELEMENT_BYTES;
    }

    private long availSlot(int index) {
        return avail + AVAIL_RING + (long) (index & mask) * AVAIL_ELEMENT_BYTES;
    }

    private long tableBytes() {
        return (long) buffersMax * DESC_BYTES;
    }
}
