package io.vireo.virtio.driver;

import io.vireo.posix.EventFd;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.ArrayList;
import java.util.List;

/** A load's surroundings for a test: memory, queues, and a bytewise device on each. */
final class LoadBench implements AutoCloseable {
    static final int SECTORS = 4096;
    static final long BLK_FEATURES = BlkLayout.F_FLUSH | BlkLayout.F_DISCARD | BlkLayout.F_WRITE_ZEROES;
    static final long EVENT_IDX = VirtqueueLayout.RING_F_EVENT_IDX;
    static final long INDIRECT = VirtqueueLayout.RING_F_INDIRECT_DESC;

    final DriverMemory memory;
    final List<DriverQueue> queues = new ArrayList<>();
    final List<BytewiseDevice> devices = new ArrayList<>();
    final FaultyDisk disk;
    final DriverTransport transport;
    private final boolean eventIdx;
    private final long seed;

    LoadBench(int queueCount, int size, long features, FaultyDisk.Fault fault, long seed) {
        memory = DriverMemory.create(8 << 20, 12 << 20);
        this.seed = seed;
        eventIdx = (features & EVENT_IDX) != 0;
        disk = new FaultyDisk(SECTORS, fault, seed);
        BytewiseDevice.Disk shared = (type, sector, out, in) -> {
            synchronized (disk) {
                return disk.serve(type, sector, out, in);
            }
        };
        for (int i = 0; i < queueCount; i++) {
            DriverVirtqueue virtqueue = DriverVirtqueue.of(memory, size, features, 8);
            queues.add(new DriverQueue(virtqueue, EventFd.create(), EventFd.create()));
            devices.add(new BytewiseDevice(memory, queues.get(i), eventIdx, shared, seed + i));
        }
        transport = new DriverTransport(memory, queues, DiskFacts.of(SECTORS, BLK_FEATURES | features));
    }

    LoadBench start() {
        devices.forEach(BytewiseDevice::start);
        return this;
    }

    /** Puts fresh devices in the places of the old ones, which resume where those stopped. */
    void replaceDevices() {
        for (int i = 0; i < devices.size(); i++) {
            devices.get(i).stop();
            queues.get(i).virtqueue().offerAgain();
            devices.set(i, new BytewiseDevice(memory, queues.get(i), eventIdx, disk, seed + 100 + i)
                    .startAt(queues.get(i).virtqueue().resumeBase()));
        }
        start();
    }

    @Override
    public void close() {
        RuntimeException failure = null;
        for (BytewiseDevice device : devices) {
            device.stop();
            if (device.failure != null) failure = device.failure;
        }
        for (DriverQueue queue : queues) {
            queue.kick().close();
            queue.call().close();
        }
        memory.close();
        if (failure != null) throw failure;
    }
}
