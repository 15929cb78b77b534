package io.vireo.virtio.queue;

import io.vireo.posix.Memory;
import io.vireo.virtio.memory.SharedMapping;

/**
 * Where a virtqueue's requests in flight are written down, in memory that a front-end keeps while devices come and go.
 * It writes there too if it likes: what is read is hostile, and read only when a device begins with it.
 *
 * @param address host address, a multiple of 8, of as many bytes as the format wants for {@code entries}
 * @param entries descriptors there is room for, at least the virtqueue's size
 * @param mapping keeps it mapped
 */
public record InflightArea(long address, int entries, SharedMapping mapping) {
    /** Whether a device was here before: the one that begins goes on where that one was, whatever it is told. */
    public boolean isBegun() {
        int version = Memory.getU16(address + InflightLayout.VERSION);
        Memory.raiseFaults();
        return version != 0;
    }

    /** Forgets the device that was here before, of which nothing is in flight. */
    public void forget() {
        Memory.putU16Release(address + InflightLayout.VERSION, 0);
        Memory.raiseFaults();
    }

    /** @throws VirtqueueBroken what was begun has another form than there is room for */
    void check() {
        int version = Memory.getU16(address + InflightLayout.VERSION);
        if (version != InflightLayout.VERSION_1) throw new VirtqueueBroken(VirtqueueBroken.Fault.INFLIGHT_VERSION, version);
        int descNum = Memory.getU16(address + InflightLayout.DESC_NUM);
        if (descNum != entries) throw new VirtqueueBroken(VirtqueueBroken.Fault.INFLIGHT_SIZE, descNum);
    }

    /** Declares it begun, after everything that was written into it. */
    void begin() {
        Memory.putLong(address, 0); // features
        Memory.putU16(address + InflightLayout.DESC_NUM, entries);
        Memory.putU16Release(address + InflightLayout.VERSION, InflightLayout.VERSION_1);
    }
}
