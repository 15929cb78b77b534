package io.vireo.embed.mmio;

import static io.vireo.virtio.mmio.MmioLayout.*;

import io.vireo.embed.QueueSetup;
import io.vireo.embed.Virtqueue;
import io.vireo.posix.EventFd;

/** A virtqueue as the registers that QueueSel selects show it. Thread: whoever holds the transport's lock; kick: any. */
final class MmioQueue {
    private static final long LOW = 0xFFFF_FFFFL;

    final Virtqueue virtqueue;
    final EventFd kick = EventFd.create();
    private int size;
    private long descriptorArea;
    private long driverArea;
    private long deviceArea;
    boolean ready;
    /** QueueReset was written, and it still uses its rings. */
    boolean resetting;

    MmioQueue(Virtqueue virtqueue) {
        this.virtqueue = virtqueue;
    }

    int index() {
        return virtqueue.index();
    }

    void reset() {
        size = 0;
        descriptorArea = driverArea = deviceArea = 0;
        ready = resetting = false;
    }

    /** A write of one of the registers that say where the queue is. */
    void setUp(int register, long value) {
        switch (register) {
            case QUEUE_NUM -> size = (int) value;
            case QUEUE_DESC_LOW -> descriptorArea = low(descriptorArea, value);
            case QUEUE_DESC_HIGH -> descriptorArea = high(descriptorArea, value);
            case QUEUE_DRIVER_LOW -> driverArea = low(driverArea, value);
            case QUEUE_DRIVER_HIGH -> driverArea = high(driverArea, value);
            case QUEUE_DEVICE_LOW -> deviceArea = low(deviceArea, value);
            case QUEUE_DEVICE_HIGH -> deviceArea = high(deviceArea, value);
            default -> throw new AssertionError(register);
        }
    }

    /** @param base where the virtqueue goes on that runs here */
    MmioState.Queue save(int base) {
        return new MmioState.Queue(size, descriptorArea, driverArea, deviceArea, ready, base);
    }

    void restore(MmioState.Queue saved) {
        size = saved.size();
        descriptorArea = saved.descriptorArea();
        driverArea = saved.driverArea();
        deviceArea = saved.deviceArea();
        ready = saved.ready();
    }

    /** @throws IllegalArgumentException a size that no virtqueue has */
    QueueSetup setup(EventFd call, Runnable beforeCall) {
        return new QueueSetup(size, descriptorArea, driverArea, deviceArea, kick.fd().number(), call.fd().number(), beforeCall);
    }

    private static long low(long address, long value) {
        return address & ~LOW | value & LOW;
    }

    private static long high(long address, long value) {
        return address & LOW | value << 32;
    }
}
