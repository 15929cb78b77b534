package io.vireo.virtio.driver;

import static io.vireo.virtio.blk.BlkLayout.*;

import io.vireo.posix.Memory;
import java.util.Arrays;

/**
 * virtio-blk requests on one virtqueue (virtio 1.3, 5.2.6). Each of {@code depth} slots has a header, a status byte and
 * a data buffer of its own in guest memory, and at most one request in flight. Nothing is allocated after construction.
 * Thread: one.
 */
public final class BlkQueue {
    /** What a status byte holds until the device writes it. */
    public static final int STATUS_UNWRITTEN = 0xFF;
    /** Bytes behind each data buffer that no request ever covers. */
    public static final int GUARD_BYTES = 64;

    private static final int CONTROL_BYTES = 64;
    private static final int CONTROL_STATUS = 32;
    private static final int PAGE_BYTES = 4096;

    private final DriverQueue queue;
    private final DriverVirtqueue virtqueue;
    private final int depth;
    private final long controlGpa;
    private final long control;
    private final long[] dataGpa;
    private final long[] data;
    private final long[] startNanos;
    private final int[] fresh;
    private int freshCount;
    private long kicks;

    /** @param dataBytesMax the size of each slot's data buffer */
    public BlkQueue(DriverMemory memory, DriverQueue queue, int depth, int dataBytesMax) {
        this.queue = queue;
        this.virtqueue = queue.virtqueue();
        this.depth = depth;
        controlGpa = memory.allocate((long) depth * CONTROL_BYTES, CONTROL_BYTES);
        control = memory.address(controlGpa);
        dataGpa = new long[depth];
        data = new long[depth];
        for (int slot = 0; slot < depth; slot++) {
            dataGpa[slot] = memory.allocate((long) dataBytesMax + GUARD_BYTES + Long.BYTES, PAGE_BYTES);
            data[slot] = memory.address(dataGpa[slot]);
        }
        startNanos = new long[depth];
        fresh = new int[depth];
    }

    public int depth() {
        return depth;
    }

    public DriverQueue queue() {
        return queue;
    }

    /** Address of a slot's data buffer in this process. */
    public long dataAddress(int slot) {
        return data[slot];
    }

    /** The same as the device sees it. */
    public long dataGpa(int slot) {
        return dataGpa[slot];
    }

    public long statusGpa(int slot) {
        return controlGpa + (long) slot * CONTROL_BYTES + CONTROL_STATUS;
    }

    /** One request with its data in one piece. */
    public boolean start(int slot, int type, long sector, int dataBytes, boolean deviceWrites) {
        begin(slot, type, sector, 0);
        if (dataBytes > 0) addData(slot, 0, dataBytes, deviceWrites);
        return finish(slot);
    }

    /** @param headerCut where to cut the header in two buffers, 0 for not at all: drivers may (2.7.4) */
    public void begin(int slot, int type, long sector, int headerCut) {
        long header = control + (long) slot * CONTROL_BYTES;
        Memory.putLong(header + REQ_TYPE, Integer.toUnsignedLong(type)); // reserved, the upper half, is 0
        Memory.putLong(header + REQ_SECTOR, sector);
        Memory.putU8(header + CONTROL_STATUS, STATUS_UNWRITTEN);
        long gpa = controlGpa + (long) slot * CONTROL_BYTES;
        virtqueue.begin();
        if (headerCut > 0) virtqueue.add(gpa, headerCut, false);
        virtqueue.add(gpa + headerCut, REQ_HEADER_BYTES - headerCut, false);
    }

    /** Adds a part of the slot's data buffer. */
    public void addData(int slot, int offset, int lengthBytes, boolean deviceWrites) {
        virtqueue.add(dataGpa[slot] + offset, lengthBytes, deviceWrites);
    }

    /** Ends the chain with the status byte; false when the ring has no room, and nothing happened. */
    public boolean finish(int slot) {
        virtqueue.add(controlGpa + (long) slot * CONTROL_BYTES + CONTROL_STATUS, REQ_STATUS_BYTES, true);
        if (!virtqueue.commit(slot)) return false;
        fresh[freshCount++] = slot;
        return true;
    }

    /** Hands everything finished over to the device, and kicks it if it wants that. */
    public void submit() {
        if (freshCount == 0) return;
        long now = System.nanoTime();
        for (int i = 0; i < freshCount; i++) startNanos[fresh[i]] = now;
        freshCount = 0;
        virtqueue.publish();
        kickIfNeeded();
    }

    public void kickIfNeeded() {
        if (!virtqueue.kickNeeded()) return;
        kicks++;
        queue.doorbell().run();
    }

    /** Begins the waiting of all requests in flight anew, after a pause that was not the device's. */
    public void restartWaiting() {
        Arrays.fill(startNanos, System.nanoTime());
    }

    /** When the slot's request was handed over. */
    public long startNanos(int slot) {
        return startNanos[slot];
    }

    public int pendingUsed() {
        return virtqueue.pendingUsed();
    }

    /** The slot of the next completed request, or -1. */
    public int reap() {
        return virtqueue.reap();
    }

    public int status(int slot) {
        return Memory.getU8(control + (long) slot * CONTROL_BYTES + CONTROL_STATUS);
    }

    /** Kicks made so far. */
    public long kicks() {
        return kicks;
    }
}
