package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.VirtqueueLayout.DESC_BYTES;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_INDIRECT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_NEXT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_WRITE;

import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import java.util.List;

/**
 * A guest for tests: one region of memory between two guard areas, and a split virtqueue in it that a test fills as it
 * likes, well or badly.
 */
public final class GuestRing implements AutoCloseable {
    public static final long GPA = 0x4_0000_0000L;
    public static final long USER = 0x7f12_0000_0000L;
    private static final int GUARD_BYTES = 64 << 10;
    private static final int GUARD_BYTE = 0xA5;

    private final NativeBlock block;
    private final long host;
    private final long sizeBytes;
    private final GuestMemory memory;
    private final int size;
    private final long table;
    private final long avail;
    private final long used;
    private long free = GPA;
    private int availIdx;

    public GuestRing(int queueSize, long sizeBytes) {
        this.sizeBytes = sizeBytes;
        block = NativeBlock.allocate(sizeBytes + 2 * GUARD_BYTES, 4096);
        host = block.address() + GUARD_BYTES;
        Memory.fill(block.address(), GUARD_BYTES, GUARD_BYTE);
        Memory.fill(host + sizeBytes, GUARD_BYTES, GUARD_BYTE);
        SharedMapping mapping = SharedMapping.of(block::close);
        memory = GuestMemory.of(List.of(new MemoryRegion(GPA, USER, sizeBytes, host, mapping)));
        size = queueSize;
        table = allocate(VirtqueueLayout.descriptorTableBytes(size), 16);
        avail = allocate(VirtqueueLayout.availRingBytes(size), 2);
        used = allocate(VirtqueueLayout.usedRingBytes(size), 4);
    }

    /** A guest physical address of so many zero bytes. */
    public long allocate(long bytes, long alignmentBytes) {
        long at = (free + alignmentBytes - 1) & -alignmentBytes;
        if (at + bytes > GPA + sizeBytes) throw new IllegalStateException("the test's guest memory is full");
        free = at + bytes;
        return at;
    }

    public long host(long gpa) {
        return host + (gpa - GPA);
    }

    public GuestMemory memory() {
        return memory;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    public VirtqueueAreas areas() {
        return new VirtqueueAreas(host(table), host(avail), host(used));
    }

    public Virtqueue virtqueue(long features) {
        return Virtqueue.of(0, size, areas(), 0, features);
    }

    public long tableGpa() {
        return table;
    }

    public void describe(int index, Buffer buffer, int flags, int next) {
        writeDescriptor(host(table) + (long) DESC_BYTES * index, buffer, flags, next);
    }

    private static void writeDescriptor(long at, Buffer buffer, int flags, int next) {
        Memory.putLong(at, buffer.gpa);
        Memory.putInt(at + 8, (int) buffer.lengthBytes);
        Memory.putU16(at + 12, flags | (buffer.writable ? DESC_F_WRITE : 0));
        Memory.putU16(at + 14, next);
    }

    /** Puts a chain of descriptors into the table from {@code head} on, wrapping round. */
    public void chain(int head, Buffer... buffers) {
        for (int i = 0; i < buffers.length; i++) {
            boolean last = i == buffers.length - 1;
            describe((head + i) % size, buffers[i], last ? 0 : DESC_F_NEXT, last ? 0 : (head + i + 1) % size);
        }
    }

    /** Puts a chain into a new indirect table; answers the buffer that is the table. */
    public Buffer indirectTable(Buffer... buffers) {
        long gpa = allocate((long) buffers.length * DESC_BYTES, 16);
        for (int i = 0; i < buffers.length; i++) {
            boolean last = i == buffers.length - 1;
            writeDescriptor(host(gpa) + (long) DESC_BYTES * i, buffers[i], last ? 0 : DESC_F_NEXT, last ? 0 : i + 1);
        }
        return readable(gpa, (long) buffers.length * DESC_BYTES);
    }

    public void chainIndirect(int head, Buffer... buffers) {
        describe(head, indirectTable(buffers), DESC_F_INDIRECT, 0);
    }

    /** Writes the avail element without publishing it. */
    public void putAvail(int position, int head) {
        Memory.putU16(host(avail) + 4 + 2L * (position & (size - 1)), head);
    }

    public void availIdx(int idx) {
        availIdx = idx & 0xFFFF;
        Memory.putU16Release(host(avail) + 2, availIdx);
    }

    public void publish(int... heads) {
        for (int head : heads) putAvail(availIdx++, head);
        availIdx(availIdx);
    }

    /** As {@link #publish}, without an array. */
    public void publishOne(int head) {
        putAvail(availIdx, head);
        availIdx(availIdx + 1);
    }

    public void availFlags(int flags) {
        Memory.putU16(host(avail), flags);
    }

    public void usedEvent(int event) {
        Memory.putU16(host(avail) + 4 + 2L * size, event);
    }

    public int usedFlags() {
        return Memory.getU16(host(used));
    }

    public int usedIdx() {
        return Memory.getU16Acquire(host(used) + 2);
    }

    public void usedIdx(int idx) {
        Memory.putU16(host(used) + 2, idx);
    }

    public int usedId(int position) {
        return Memory.getInt(host(used) + 4 + 8L * (position & (size - 1)));
    }

    public int usedLength(int position) {
        return Memory.getInt(host(used) + 8 + 8L * (position & (size - 1)));
    }

    public int availEvent() {
        return Memory.getU16(host(used) + 4 + 8L * size);
    }

    public void availEvent(int event) {
        Memory.putU16(host(used) + 4 + 8L * size, event);
    }

    public boolean guardsAreIntact() {
        return isGuard(block.address()) && isGuard(host + sizeBytes);
    }

    private static boolean isGuard(long address) {
        long pattern = 0x0101_0101_0101_0101L * GUARD_BYTE;
        for (int i = 0; i < GUARD_BYTES; i += 8) if (Memory.getLong(address + i) != pattern) return false;
        return true;
    }

    @Override
    public void close() {
        memory.release();
    }

    public static Buffer readable(long gpa, long lengthBytes) {
        return new Buffer(gpa, lengthBytes, false);
    }

    public static Buffer writable(long gpa, long lengthBytes) {
        return new Buffer(gpa, lengthBytes, true);
    }

    public record Buffer(long gpa, long lengthBytes, boolean writable) {}
}
