package io.vireo.virtio.queue;

import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;

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
    private int id;
    private int readableCount;
    private int writableCount;
    private long readableBytes;
    private long writableBytes;

    /** A chain that can hold whatever a queue of {@code queueSize} accepts. */
    public Chain(int queueSize) {
        int capacity = Virtqueue.descriptorsMax(queueSize) + CROSSINGS_MAX;
        addresses = new long[capacity];
        lengths = new long[capacity];
    }

    /** What the driver knows it by: the index of its first descriptor, in a packed virtqueue its buffer ID. */
    public int id() {
        return id;
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

    /** Begins a chain that is put together by {@link #append} rather than read from a ring. */
    public void begin(int newId) {
        id = newId;
        readableCount = 0;
        writableCount = 0;
        readableBytes = 0;
        writableBytes = 0;
    }

    /** For a format that tells the id last. */
    void identify(int newId) {
        id = newId;
    }

    /**
     * Appends a buffer of at least one byte, translated.
     *
     * @throws VirtqueueBroken it is not in the guest's memory, is readable after writable ones, or one too many
     */
    void add(GuestMemory memory, long gpa, long lengthBytes, boolean writable) {
        if (!writable && writableCount != 0) throw new VirtqueueBroken(Fault.READABLE_AFTER_WRITABLE, gpa);
        long host = memory.translate(gpa, lengthBytes);
        if (host < 0) addAcrossRegions(memory, gpa, lengthBytes, writable);
        else put(host, lengthBytes, writable);
    }

    private void addAcrossRegions(GuestMemory memory, long gpa, long lengthBytes, boolean writable) {
        long at = gpa;
        long rest = lengthBytes;
        while (rest > 0) {
            long piece = Math.min(rest, memory.contiguousBytes(at));
            if (piece == 0) throw new VirtqueueBroken(Fault.BAD_ADDRESS, at);
            put(memory.translate(at, piece), piece, writable);
            at += piece;
            rest -= piece;
        }
    }

    /** Appends a buffer of at least one byte at an address here; readable ones come first. */
    public void append(long address, long lengthBytes, boolean writable) {
        put(address, lengthBytes, writable);
    }

    /** Byte counts cannot overflow: a few thousand buffers of at most 2^32 bytes. */
    private void put(long address, long lengthBytes, boolean writable) {
        int index = readableCount + writableCount;
        if (index == addresses.length) throw new VirtqueueBroken(Fault.CHAIN_TOO_LONG, id);
        addresses[index] = address;
        lengths[index] = lengthBytes;
        if (writable) {
            writableCount++;
            writableBytes += lengthBytes;
        } else {
            readableCount++;
            readableBytes += lengthBytes;
        }
    }
}
