package io.vireo.virtio.driver;

import io.vireo.posix.Epoll;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A virtio-blk device that walks one split ring byte by byte, written from the specification alone: it uses neither the
 * device side nor the constants. It maps the guest's files itself and completes each burst in random order.
 */
final class BytewiseDevice {
    /** What the device does with a request; writes into {@code in} and answers the status. */
    interface Disk {
        int DROP = -1;

        /** @param out what the driver sent behind the header, @param in room for what it is to get before the status */
        int serve(int type, long sector, byte[] out, byte[] in);
    }

    private record Part(long address, int length, boolean writable) {}

    private final DriverMemory memory;
    private final List<Mapping> mappings = new ArrayList<>();
    private final DriverQueue queue;
    private final boolean eventIdx;
    private final Disk disk;
    private final Random random;
    private final long desc;
    private final long avail;
    private final long used;
    private final int size;
    private int lastAvail;
    private int usedIdx;
    private volatile boolean stopped;
    private Thread thread;
    volatile RuntimeException failure;
    int calls;

    BytewiseDevice(DriverMemory memory, DriverQueue queue, boolean eventIdx, Disk disk, long seed) {
        this.memory = memory;
        this.queue = queue;
        this.eventIdx = eventIdx;
        this.disk = disk;
        random = new Random(seed);
        for (DriverMemory.Region region : memory.regions())
            mappings.add(Mapping.shared(region.fd(), region.fdOffset(), region.sizeBytes(), true));
        size = queue.virtqueue().size();
        desc = at(queue.virtqueue().descriptorGpa());
        avail = at(queue.virtqueue().driverGpa());
        used = at(queue.virtqueue().deviceGpa());
    }

    BytewiseDevice startAt(int index) {
        lastAvail = usedIdx = index;
        return this;
    }

    BytewiseDevice start() {
        thread = new Thread(this::run, "bytewise-device");
        thread.start();
        return this;
    }

    void stop() {
        stopped = true;
        queue.kick().signal();
        try {
            if (thread != null) thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        mappings.forEach(Mapping::close);
    }

    private void run() {
        try (Epoll epoll = Epoll.create(1); NativeBlock count = NativeBlock.allocate(8, 8)) {
            epoll.add(queue.kick().fd(), Epoll.EPOLLIN, 0);
            while (!stopped) {
                serve();
                if (armKick()) continue;
                epoll.await(-1);
                queue.kick().clear(count.address());
            }
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    /** Serves everything available now; answers how many requests. */
    int serve() {
        List<Integer> heads = new ArrayList<>();
        int idx = Memory.getU16Acquire(avail + 2);
        while (lastAvail != idx) {
            heads.add(u16(avail + 4 + 2L * (lastAvail % size)));
            lastAvail = (lastAvail + 1) & 0xFFFF;
        }
        Collections.shuffle(heads, random);
        int before = usedIdx;
        for (int head : heads) serve(head);
        if (!heads.isEmpty()) call(before);
        return heads.size();
    }

    private void serve(int head) {
        List<Part> parts = new ArrayList<>();
        walk(desc, size, head, parts, false);
        int outBytes = 0;
        int inBytes = 0;
        for (Part part : parts) {
            if (part.writable) inBytes += part.length;
            else if (inBytes > 0) throw new IllegalStateException("readable after writable");
            else outBytes += part.length;
        }
        byte[] all = new byte[outBytes];
        int at = 0;
        for (Part part : parts) {
            if (part.writable) continue;
            for (int i = 0; i < part.length; i++) all[at++] = (byte) Memory.getU8(part.address + i);
        }
        byte[] in = new byte[inBytes];
        for (int i = 0, k = 0; i < parts.size(); i++)
            for (int b = 0; parts.get(i).writable && b < parts.get(i).length; b++)
                in[k++] = (byte) Memory.getU8(parts.get(i).address + b);
        byte[] data = java.util.Arrays.copyOfRange(all, 16, all.length);
        byte[] answer = java.util.Arrays.copyOf(in, in.length - 1);
        int status = disk.serve((int) little(all, 0, 4), little(all, 8, 8), data, answer);
        if (status == Disk.DROP) return;
        System.arraycopy(answer, 0, in, 0, answer.length);
        in[in.length - 1] = (byte) status;
        at = 0;
        for (Part part : parts) {
            if (!part.writable) continue;
            for (int i = 0; i < part.length; i++) Memory.putU8(part.address + i, in[at++]);
        }
        push(head, status == 0 ? inBytes : 1);
    }

    /** Writes a used element and shows it, whatever they say. */
    void push(int head, int length) {
        long element = used + 4 + 8L * (usedIdx % size);
        for (int i = 0; i < 4; i++) {
            Memory.putU8(element + i, head >>> 8 * i);
            Memory.putU8(element + 4 + i, length >>> 8 * i);
        }
        usedIdx = (usedIdx + 1) & 0xFFFF;
        Memory.putU16Release(used + 2, usedIdx);
    }

    private void walk(long table, int entries, int index, List<Part> parts, boolean nested) {
        for (int hops = 0; hops < entries; hops++) {
            long at = table + 16L * index;
            int flags = u16(at + 12);
            long gpa = u32(at) | u32(at + 4) << 32;
            int length = (int) u32(at + 8);
            if ((flags & 4) != 0) {
                if (nested || (flags & 1) != 0) throw new IllegalStateException("indirect flags " + flags);
                walk(at(gpa), length / 16, 0, parts, true);
                return;
            }
            parts.add(new Part(at(gpa), length, (flags & 2) != 0));
            if ((flags & 1) == 0) return;
            index = u16(at + 14);
        }
        throw new IllegalStateException("endless chain");
    }

    private void call(int before) {
        Memory.fullFence();
        boolean wanted;
        if (eventIdx) {
            int event = u16(avail + 4 + 2L * size);
            wanted = false;
            for (int index = before; index != usedIdx; index = (index + 1) & 0xFFFF) wanted |= index == event;
        } else {
            wanted = (u16(avail) & 1) == 0;
        }
        if (!wanted) return;
        calls++;
        queue.call().signal();
    }

    /** Says that a kick is wanted; true when something came meanwhile. */
    boolean armKick() {
        if (eventIdx) Memory.putU16(used + 4 + 8L * size, lastAvail);
        Memory.fullFence();
        return Memory.getU16Acquire(avail + 2) != lastAvail;
    }

    private long at(long gpa) {
        for (int i = 0; i < mappings.size(); i++) {
            DriverMemory.Region region = memory.regions().get(i);
            if (gpa >= region.gpa() && gpa < region.gpa() + region.sizeBytes())
                return mappings.get(i).address() + (gpa - region.gpa());
        }
        throw new IllegalStateException("gpa " + Long.toHexString(gpa));
    }

    private static int u16(long address) {
        return Memory.getU8(address) | Memory.getU8(address + 1) << 8;
    }

    private static long u32(long address) {
        return u16(address) | (long) u16(address + 2) << 16;
    }

    static long little(byte[] bytes, int offset, int count) {
        long value = 0;
        for (int i = count - 1; i >= 0; i--) value = value << 8 | bytes[offset + i] & 0xFF;
        return value;
    }
}
