package io.vireo.virtio.queue;

/**
 * One descriptor chain, copied out of the guest's tables and translated: its device-readable buffers, then its
 * device-writable ones. Empty buffers are left out, a buffer that crosses memory regions is several.
 *
 * <p>Reused for one chain after the other. Thread: its virtqueue's.
 */
public final class Chain {
    /** Buffers a chain may have beyond its descriptors, from crossing memory regions. */
    public static final int CROSSINGS_MAX = 64;

    private final long[] addresses;
    private final long[] lengths;
    private int head;
    private int readableCount;
    private int writableCount;
    private long readableBytes;
    private long writableBytes;

    /** A chain that can hold whatever a queue of {@code queueSize} accepts. */
    public Chain(int queueSize) {
        int capacity = SplitVirtqueue.descriptorsMax(queueSize) + CROSSINGS_MAX;
        addresses = new long[capacity];
        lengths = new long[capacity];
    }

    /** Index of its first descriptor, by which the driver knows it. */
    public int head() {
        return head;
    }

    public int readableCount() {
        return readableCount;
    }

    public int writableCount() {
        return writableCount;
    }

    public long readableBytes() {
        return readableBytes;
    }

    public long writableBytes() {
        return writableBytes;
    }

    /** Readable and writable buffers together. */
    public int count() {
        return readableCount + writableCount;
    }

    /** Host address of a buffer; the writable ones have the indices from {@link #readableCount} on. */
    public long address(int index) {
        return addresses[index];
    }

    /** At least 1. */
    public long lengthBytes(int index) {
        return lengths[index];
    }

    void begin(int newHead) {
        head = newHead;
        readableCount = 0;
        writableCount = 0;
        readableBytes = 0;
        writableBytes = 0;
    }

    /** False when it is full. Byte counts cannot overflow: a few thousand buffers of at most 2^32 bytes. */
    boolean addReadable(long address, long lengthBytes) {
        if (!put(readableCount, address, lengthBytes)) return false;
        readableCount++;
        readableBytes += lengthBytes;
        return true;
    }

    /** False when it is full. */
    boolean addWritable(long address, long lengthBytes) {
        if (!put(readableCount + writableCount, address, lengthBytes)) return false;
        writableCount++;
        writableBytes += lengthBytes;
        return true;
    }

    private boolean put(int index, long address, long lengthBytes) {
        if (index == addresses.length) return false;
        addresses[index] = address;
        lengths[index] = lengthBytes;
        return true;
    }
}
