package io.vireo.embed.mmio;

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

    MmioQueue(Virtqueue virtqueue) {
        this.virtqueue = virtqueue;
    }

    int index() {
        return virtqueue.index();
    }

    void reset() {
        size = 0;
        descriptorArea = driverArea = deviceArea = 0;
        ready = false;
    }

    void size(int value) {
        size = value;
    }

    void descriptorLow(long value) {
        descriptorArea = low(descriptorArea, value);
    }

    void descriptorHigh(long value) {
        descriptorArea = high(descriptorArea, value);
    }

    void driverLow(long value) {
        driverArea = low(driverArea, value);
    }

    void driverHigh(long value) {
        driverArea = high(driverArea, value);
    }

    void deviceLow(long value) {
        deviceArea = low(deviceArea, value);
    }

    void deviceHigh(long value) {
        deviceArea = high(deviceArea, value);
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
