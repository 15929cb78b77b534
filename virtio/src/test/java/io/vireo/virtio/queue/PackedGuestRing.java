package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.VirtqueueLayout.DESC_BYTES;

import io.vireo.posix.Memory;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.GuestRing.Buffer;

/** A guest for tests with a packed virtqueue, which a test fills as it likes, well or badly. Written from numbers. */
public final class PackedGuestRing implements AutoCloseable {
    static final int NEXT = 1;
    static final int WRITE = 2;
    static final int INDIRECT = 4;
    static final int AVAIL = 0x80;
    static final int USED = 0x8000;

    private final GuestRing guest;
    private final int size;
    private final long ring;
    private final long driverEvent;
    private final long deviceEvent;
    /** Where the next chain goes. */
    private int offset;

    private boolean wrap = true;

    public PackedGuestRing(int size, long memoryBytes) {
        guest = new GuestRing(2, memoryBytes);
        this.size = size;
        ring = guest.allocate(16L * size, 16);
        driverEvent = guest.allocate(4, 4);
        deviceEvent = guest.allocate(4, 4);
    }

    public long allocate(long bytes, long alignmentBytes) {
        return guest.allocate(bytes, alignmentBytes);
    }

    public GuestMemory memory() {
        return guest.memory();
    }

    public GuestRing guest() {
        return guest;
    }

    public VirtqueueAreas areas() {
        return new VirtqueueAreas(guest.host(ring), guest.host(driverEvent), guest.host(deviceEvent));
    }

    public Virtqueue virtqueue(long features) {
        return virtqueue(0x8000_8000, features);
    }

    public Virtqueue virtqueue(int base, long features) {
        return Virtqueue.of(0, size, areas(), base, features | 1L << 34);
    }

    /** Goes on there with the next chain. */
    public void startAt(int newOffset, boolean newWrap) {
        offset = newOffset;
        wrap = newWrap;
    }

    /** AVAIL and USED as they mark an available descriptor in this lap. */
    public int marks() {
        return wrap ? AVAIL : USED;
    }

    public long descriptor(int at) {
        return guest.host(ring) + (long) DESC_BYTES * at;
    }

    public void describe(int at, Buffer buffer, int flags, int id) {
        write(descriptor(at), buffer, id);
        Memory.putU16(descriptor(at) + 14, flags | (buffer.writable() ? WRITE : 0));
    }

    private static void write(long at, Buffer buffer, int id) {
        Memory.putLong(at, buffer.gpa());
        Memory.putInt(at + 8, (int) buffer.lengthBytes());
        Memory.putU16(at + 12, id);
    }

    /** Makes a chain available; only its last descriptor has the id. */
    public void offer(int id, Buffer... buffers) {
        int first = offset;
        int firstFlags = 0;
        for (int i = 0; i < buffers.length; i++) {
            boolean last = i == buffers.length - 1;
            int flags = marks() | (buffers[i].writable() ? WRITE : 0) | (last ? 0 : NEXT);
            write(descriptor(offset), buffers[i], last ? id : 0xFFFF);
            if (i == 0) firstFlags = flags;
            else Memory.putU16(descriptor(offset) + 14, flags);
            advance();
        }
        Memory.putU16Release(descriptor(first) + 14, firstFlags);
    }

    /** Makes an indirect table available. */
    public void offerTable(int id, Buffer... buffers) {
        Buffer table = table(buffers);
        write(descriptor(offset), table, id);
        Memory.putU16Release(descriptor(offset) + 14, marks() | INDIRECT);
        advance();
    }

    public Buffer table(Buffer... buffers) {
        long gpa = allocate(16L * buffers.length, 16);
        for (int i = 0; i < buffers.length; i++) {
            write(guest.host(gpa) + 16L * i, buffers[i], 0xFFFF);
            Memory.putU16(guest.host(gpa) + 16L * i + 14, buffers[i].writable() ? WRITE : 0);
        }
        return GuestRing.readable(gpa, 16L * buffers.length);
    }

    private void advance() {
        if (++offset < size) return;
        offset = 0;
        wrap = !wrap;
    }

    public int flags(int at) {
        return Memory.getU16Acquire(descriptor(at) + 14);
    }

    public int id(int at) {
        return Memory.getU16(descriptor(at) + 12);
    }

    public int lengthBytes(int at) {
        return Memory.getInt(descriptor(at) + 8);
    }

    public void driverEvent(int offWrap, int flags) {
        Memory.putU16(guest.host(driverEvent), offWrap);
        Memory.putU16Release(guest.host(driverEvent) + 2, flags);
    }

    public int deviceEventOffWrap() {
        return Memory.getU16(guest.host(deviceEvent));
    }

    public int deviceEventFlags() {
        return Memory.getU16(guest.host(deviceEvent) + 2);
    }

    public void deviceEvent(int offWrap, int flags) {
        Memory.putU16(guest.host(deviceEvent), offWrap);
        Memory.putU16(guest.host(deviceEvent) + 2, flags);
    }

    @Override
    public void close() {
        guest.close();
    }
}
