package io.vireo.posix;

/**
 * A native array of {@code struct iovec { void *iov_base; size_t iov_len; }}: the currency between virtio, which fills
 * it with translated addresses, and storage, which hands it to the kernel.
 *
 * <p>It begins on memory its maker owns and moves to a block of its own when it outgrows that, up to a fixed maximum.
 * Thread: one at a time. While a request is in flight the array belongs to the kernel and is not touched.
 */
public final class IoVec implements AutoCloseable {
    /** Bytes of one {@code struct iovec}. */
    public static final int ENTRY_BYTES = 16;

    private final int countMax;
    private long address;
    private int capacity;
    private NativeBlock own;
    private int count;
    private long totalBytes;

    /**
     * @param address native memory for {@code capacity} entries, which outlives this object
     * @param countMax the number of entries past which {@link #add} refuses
     */
    public IoVec(long address, int capacity, int countMax) {
        this.address = address;
        this.capacity = capacity;
        this.countMax = countMax;
    }

    /** Address of the first entry; changes when the array grows. */
    public long address() {
        return address;
    }

    public int count() {
        return count;
    }

    public long totalBytes() {
        return totalBytes;
    }

    public long base(int index) {
        return Memory.getLong(address + (long) index * ENTRY_BYTES);
    }

    public long lengthBytes(int index) {
        return Memory.getLong(address + (long) index * ENTRY_BYTES + 8);
    }

    public void clear() {
        count = 0;
        totalBytes = 0;
    }

    /** Appends one buffer; false when the maximum number of entries is reached. */
    public boolean add(long base, long lengthBytes) {
        if (count == capacity && !grow()) return false;
        long at = address + (long) count * ENTRY_BYTES;
        Memory.putLong(at, base);
        Memory.putLong(at + 8, lengthBytes);
        count++;
        totalBytes += lengthBytes;
        return true;
    }

    /** Drops the first {@code bytes}, as after a short read or write. */
    public void advance(long bytes) {
        if (bytes > totalBytes) throw new IllegalArgumentException("advance=" + bytes + " totalBytes=" + totalBytes);
        int skip = 0;
        long rest = bytes;
        while (rest > 0 && rest >= lengthBytes(skip)) rest -= lengthBytes(skip++);
        if (skip > 0) {
            Memory.copy(address + (long) skip * ENTRY_BYTES, address, (long) (count - skip) * ENTRY_BYTES);
            count -= skip;
        }
        if (rest > 0) {
            Memory.putLong(address, base(0) + rest);
            Memory.putLong(address + 8, lengthBytes(0) - rest);
        }
        totalBytes -= bytes;
    }

    private boolean grow() {
        if (capacity >= countMax) return false;
        int larger = Math.min(countMax, Math.max(16, capacity * 4));
        NativeBlock block = NativeBlock.allocate((long) larger * ENTRY_BYTES, ENTRY_BYTES);
        Memory.copy(address, block.address(), (long) count * ENTRY_BYTES);
        if (own != null) own.close();
        own = block;
        address = block.address();
        capacity = larger;
        return true;
    }

    /** Frees what it grew into. */
    @Override
    public void close() {
        if (own != null) own.close();
        own = null;
        capacity = 0;
        clear();
    }
}
