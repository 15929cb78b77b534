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
    /** What {@link #advance} passed: whole entries, and bytes of the one after them. */
    private int passed;
    private long passedOfFirst;
    private long passedBytes;

    /**
     * @param address native memory for {@code capacity} entries, which outlives this object
     * @param countMax the number of entries past which {@link #add} refuses
     */
    public IoVec(long address, int capacity, int countMax) {
        this.address = address;
        this.capacity = capacity;
        this.countMax = countMax;
    }

    /** Address of the first entry; changes when the array grows or advances. */
    public long address() {
        return entry(0);
    }

    public int count() {
        return count - passed;
    }

    public long totalBytes() {
        return totalBytes;
    }

    public long base(int index) {
        return Memory.getLong(entry(index));
    }

    public long lengthBytes(int index) {
        return Memory.getLong(entry(index) + 8);
    }

    private long entry(int index) {
        return address + (long) (passed + index) * ENTRY_BYTES;
    }

    public void clear() {
        count = 0;
        totalBytes = 0;
        passed = 0;
        passedOfFirst = 0;
        passedBytes = 0;
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

    /** Passes the first {@code bytes}, as after a short read or write. */
    public void advance(long bytes) {
        if (bytes > totalBytes) throw new IllegalArgumentException("advance=" + bytes + " totalBytes=" + totalBytes);
        long rest = bytes;
        while (rest > 0 && rest >= lengthBytes(0)) {
            rest -= lengthBytes(0);
            uncutFirst();
            passed++;
        }
        if (rest > 0) cutFirst(rest);
        totalBytes -= bytes;
        passedBytes += bytes;
    }

    /** Undoes every {@link #advance}: all that was added is there again. */
    public void rewind() {
        if (passedBytes == 0) return;
        uncutFirst();
        passed = 0;
        totalBytes += passedBytes;
        passedBytes = 0;
    }

    private void cutFirst(long bytes) {
        Memory.putLong(entry(0), base(0) + bytes);
        Memory.putLong(entry(0) + 8, lengthBytes(0) - bytes);
        passedOfFirst += bytes;
    }

    private void uncutFirst() {
        if (passedOfFirst != 0) cutFirst(-passedOfFirst);
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
