package io.vireo.virtio.driver;

import static io.vireo.virtio.queue.VirtqueueLayout.*;

import io.vireo.posix.Memory;
import java.util.Arrays;

/**
 * A virtqueue as a driver keeps it (virtio 1.3, 2.6), in the format that was negotiated: it believes nothing that the
 * device writes without a look at its own books. Nothing is allocated after construction.
 *
 * <p>A request is a chain of buffers made by {@link #begin}, {@link #add} for each, and {@link #commit}; any number of
 * them becomes the device's with one {@link #publish}. Thread: one.
 *
 * <p>The books: of as many descriptors as the ring has, each chain in flight holds those that it takes, linked by
 * {@code next}, and is known by the first of them, its head.
 */
public abstract sealed class DriverVirtqueue permits SplitDriverVirtqueue, PackedDriverVirtqueue {
    static final int NONE = -1;

    final int size;
    final boolean eventIdx;
    final long descriptor;
    final long driver;
    final long device;
    /** Per descriptor, here and not in shared memory: the next one of its chain or of the free list. */
    final int[] next;
    /** Per head, the caller's token while the chain is the device's, else NONE. */
    final int[] tokens;
    /** Per head, the descriptors it took. */
    final int[] taken;

    int inFlight;

    private final boolean indirect;
    private final boolean inOrder;
    private final int buffersMax;
    private final long descriptorGpa;
    private final long driverGpa;
    private final long deviceGpa;
    private final long tablesGpa;
    private final long tables;
    /** Per head, the bytes the device may write. */
    private final long[] writableBytes;
    /** Per head, how many chains were committed before it. */
    private final long[] committedBefore;

    private final long[] buildGpa;
    private final int[] buildLength;
    private final boolean[] buildWritable;
    private int buildCount;
    private boolean tablesWanted = true;
    private int freeHead;
    /** With IN_ORDER the free list is a queue: so chains take descriptors in the table's order (2.7.5). */
    private int freeTail;

    private int freeCount;
    private long committed;
    private long takenBack;
    private long lastUsedLength;

    /** Lays the areas out in {@code memory}; the format fills them. */
    DriverVirtqueue(DriverMemory memory, int size, long features, int buffersMax, Areas areas) {
        this.size = size;
        this.eventIdx = (features & RING_F_EVENT_IDX) != 0;
        this.indirect = (features & RING_F_INDIRECT_DESC) != 0;
        this.inOrder = (features & F_IN_ORDER) != 0;
        // 2.7.5.3.1 and 2.8.17: not even an indirect chain is longer than the queue size.
        this.buffersMax = Math.min(buffersMax, size);
        descriptorGpa = memory.allocate(descriptorTableBytes(size), DESC_ALIGNMENT_BYTES);
        driverGpa = memory.allocate(areas.driverBytes, areas.driverAlignmentBytes);
        deviceGpa = memory.allocate(areas.deviceBytes, areas.deviceAlignmentBytes);
        tablesGpa = indirect ? memory.allocate((long) size * tableBytes(), DESC_ALIGNMENT_BYTES) : 0;
        descriptor = memory.address(descriptorGpa);
        driver = memory.address(driverGpa);
        device = memory.address(deviceGpa);
        tables = indirect ? memory.address(tablesGpa) : 0;
        next = new int[size];
        tokens = new int[size];
        taken = new int[size];
        writableBytes = new long[size];
        committedBefore = new long[size];
        buildGpa = new long[this.buffersMax];
        buildLength = new int[this.buffersMax];
        buildWritable = new boolean[this.buffersMax];
    }

    /** What a format wants of driver and device area. */
    record Areas(long driverBytes, int driverAlignmentBytes, long deviceBytes, int deviceAlignmentBytes) {}

    /**
     * Lays an empty ring out in {@code memory}.
     *
     * @param features as accepted: the bits about rings count. With IN_ORDER each chain must be used by itself: a device
     *     that uses several with one element is taken for a faulty one
     * @param buffersMax the most buffers in one chain
     * @throws IllegalArgumentException a size that no such ring has
     */
    public static DriverVirtqueue of(DriverMemory memory, int size, long features, int buffersMax) {
        return (features & F_RING_PACKED) != 0
                ? new PackedDriverVirtqueue(memory, size, features, buffersMax)
                : new SplitDriverVirtqueue(memory, size, features, buffersMax);
    }

    /** Begins anew with nothing in flight where {@code base} says, as when a ring starts or is resumed idle. */
    public final void reset(int base) {
        for (int i = 0; i < size; i++) next[i] = i + 1;
        Arrays.fill(tokens, NONE);
        freeHead = 0;
        freeTail = size - 1;
        freeCount = size;
        inFlight = 0;
        committed = takenBack = 0;
        clear(base);
    }

    abstract void clear(int base);

    /**
     * After the device went away with requests in flight: offers those it did not use again, behind the used ones, so
     * that one which starts at {@link #resumeBase} finds them all. To be called while no device serves the ring.
     */
    public abstract void offerAgain();

    /**
     * Where a device resumes when nobody else remembers it, in the words of vhost-user's vring base: all before it was
     * used.
     */
    public abstract int resumeBase();

    public final void begin() {
        buildCount = 0;
    }

    /** Adds a buffer to the chain being made; device-readable ones come first (2.7.4.2, 2.8.17). */
    public final void add(long gpa, int lengthBytes, boolean writable) {
        buildGpa[buildCount] = gpa;
        buildLength[buildCount] = lengthBytes;
        buildWritable[buildCount] = writable;
        buildCount++;
    }

    /** Whether chains of several buffers go into indirect tables from now on; needs the feature, and is on at first. */
    public final void useIndirect(boolean wanted) {
        tablesWanted = wanted;
    }

    /**
     * Puts the chain into the ring, not yet visible to the device.
     *
     * @param token what {@link #reap} answers for it, not negative
     * @return false when the ring has no room; nothing happened
     */
    public final boolean commit(int token) {
        boolean table = indirect && tablesWanted && buildCount > 1;
        int needed = table ? 1 : buildCount;
        if (needed > freeCount) return false;
        int head = freeHead;
        long writable = 0;
        for (int i = 0; i < buildCount; i++) {
            if (buildWritable[i]) writable += Integer.toUnsignedLong(buildLength[i]);
            if (table) {
                writeTableDescriptor(tables + head * tableBytes(), i);
            } else {
                int flags = i < buildCount - 1 ? DESC_F_NEXT : 0;
                describe(freeHead, buildGpa[i], buildLength[i], buildWritable[i] ? flags | DESC_F_WRITE : flags);
            }
            if (!table || i == 0) freeHead = next[freeHead];
        }
        if (table) describe(head, tablesGpa + head * tableBytes(), buildCount * DESC_BYTES, DESC_F_INDIRECT);
        freeCount -= needed;
        inFlight++;
        tokens[head] = token;
        taken[head] = needed;
        writableBytes[head] = writable;
        committedBefore[head] = committed++;
        offer(head);
        return true;
    }

    /** Describes a buffer, the next of a chain, in the books' descriptor {@code index}. */
    abstract void describe(int index, long gpa, int lengthBytes, int flags);

    /** Takes a described chain into what {@link #publish} shows. */
    abstract void offer(int head);

    private void writeTableDescriptor(long table, int buffer) {
        boolean last = buffer == buildCount - 1;
        writeTableDescriptor(table + (long) buffer * DESC_BYTES, buildGpa[buffer], buildLength[buffer],
                buildWritable[buffer], last ? NONE : buffer + 1);
    }

    /** @param nextIndex in the table, NONE for the last one */
    abstract void writeTableDescriptor(long at, long gpa, int lengthBytes, boolean writable, int nextIndex);

    /**
     * Writes a descriptor, unless it reads so already: a request like the one before it then leaves the device's caches
     * alone. {@code third} and {@code fourth}: flags and next, or in a packed table ID and flags.
     */
    static void writeDescriptor(long at, long gpa, int lengthBytes, int third, int fourth) {
        long rest = Integer.toUnsignedLong(lengthBytes) | (long) third << 32 | (long) fourth << 48;
        if (Memory.getLong(at) != gpa) Memory.putLong(at, gpa);
        if (Memory.getLong(at + DESC_LEN) != rest) Memory.putLong(at + DESC_LEN, rest);
    }

    /** Makes all committed chains visible to the device. */
    public abstract void publish();

    /** Whether anything was committed since the last {@link #publish}. */
    public abstract boolean hasUnpublished();

    /** Whether the device wants a kick for what was published since this was last asked. */
    public abstract boolean kickNeeded();

    /** Where the next chain goes, as NOTIFICATION_DATA tells it (2.9): 15 bits of offset, and one that is the wrap counter's. */
    public abstract int nextOffset();

    /**
     * How many used chains wait to be reaped.
     *
     * @throws DeviceFault the device used something it was not given
     */
    public abstract int pendingUsed();

    /**
     * Takes the next used chain back.
     *
     * @return its token, or -1 when there is none
     * @throws DeviceFault the device used something it was not given, or wrote more than there is room for
     */
    public abstract int reap();

    /** Takes a chain that the device has used out of the books; its token. */
    final int takeBack(long id, long lengthBytes) {
        if (id >= size || tokens[(int) id] == NONE)
            throw new DeviceFault("chain " + id + " is used and is not in flight");
        int head = (int) id;
        if (inOrder && committedBefore[head] != takenBack)
            throw new DeviceFault("chain " + id + " is used before an older one, against IN_ORDER");
        if (lengthBytes > writableBytes[head])
            throw new DeviceFault("chain " + id + " is used with " + lengthBytes + " bytes written to "
                    + writableBytes[head]);
        lastUsedLength = lengthBytes;
        int token = tokens[head];
        tokens[head] = NONE;
        giveBack(head);
        takenBack++;
        inFlight--;
        return token;
    }

    private void giveBack(int head) {
        int tail = head;
        for (int i = 1; i < taken[head]; i++) tail = next[tail];
        if (inOrder && freeCount > 0) {
            next[freeTail] = head;
        } else {
            next[tail] = freeHead;
            freeHead = head;
        }
        freeTail = tail;
        freeCount += taken[head];
    }

    /** Bytes the device said it wrote into the chain that {@link #reap} answered last. */
    public final long usedLengthBytes() {
        return lastUsedLength;
    }

    /**
     * Asks for a call with the next used chain.
     *
     * @return true when one came meanwhile, which may not be followed by a call (2.7.7)
     */
    public abstract boolean armCall();

    /** Asks for no calls. A hint: the device may call nevertheless. */
    public abstract void suppressCalls();

    /** Asks for no more calls after one came: the same, unless the call itself has used the wish up. */
    public void suppressCallsAfterOne() {
        suppressCalls();
    }

    /** The heads in flight in the order in which they were committed. */
    final int[] headsInFlight() {
        long[] heads = new long[inFlight];
        int count = 0;
        for (int head = 0; head < size; head++) if (tokens[head] != NONE) heads[count++] = committedBefore[head] << 16 | head;
        Arrays.sort(heads);
        return Arrays.stream(heads).mapToInt(key -> (int) key & 0xFFFF).toArray();
    }

    public final int size() {
        return size;
    }

    public final int buffersMax() {
        return buffersMax;
    }

    /** Chains that are the device's, or committed and not yet published. */
    public final int inFlight() {
        return inFlight;
    }

    /** How many chains of that many buffers fit into an empty ring. */
    public final int chainsMax(int buffers) {
        return indirect ? size : size / buffers;
    }

    public final int freeDescriptors() {
        return freeCount;
    }

    public final long descriptorGpa() {
        return descriptorGpa;
    }

    public final long driverGpa() {
        return driverGpa;
    }

    public final long deviceGpa() {
        return deviceGpa;
    }

    /** The same three at their addresses in this process, which a vhost-user front-end calls user addresses. */
    public final long descriptorAddress() {
        return descriptor;
    }

    public final long driverAddress() {
        return driver;
    }

    public final long deviceAddress() {
        return device;
    }

    private long tableBytes() {
        return (long) buffersMax * DESC_BYTES;
    }
}
