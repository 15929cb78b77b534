package io.vireo.embed.mmio;

import static io.vireo.virtio.mmio.MmioLayout.*;

import io.vireo.embed.GuestRam;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.MmioDisk;
import io.vireo.virtio.driver.MmioWindow;

/** The rest of a VMM with a device at a register window, and what its guest does there by hand. */
final class MmioVmm implements MmioWindow, AutoCloseable {
    static final int QUEUE_SIZE = 64;

    final DriverMemory memory;
    volatile VirtioBlkDevice device;
    volatile MmioTransport mmio;

    MmioVmm(VirtioBlkDevice device, MmioTransport.Notification notification) {
        this.device = device;
        memory = DriverMemory.create(16 << 20);
        mmio = MmioTransport.attach(device, notification, ram());
    }

    private GuestRam ram() {
        DriverMemory.Region ram = memory.regions().getFirst();
        return GuestRam.ofFd(ram.fd().number(), ram.fdOffset(), ram.sizeBytes(), ram.gpa());
    }

    /** Puts another device behind the window, as the last one was saved; that one's transport is closed. */
    void restore(VirtioBlkDevice next, MmioTransport.Notification notification, byte[] state) {
        mmio = MmioTransport.restore(next, notification, state, ram());
        device = next;
    }

    MmioDisk bringUp(MmioDisk.Kick kick) {
        return MmioDisk.attach(this, memory, MmioDisk.Options.of(device.queues().size(), QUEUE_SIZE, kick));
    }

    long get(int register) {
        return read(register, REGISTER_BYTES);
    }

    void put(int register, long value) {
        write(register, REGISTER_BYTES, value);
    }

    void status(int bit) {
        put(STATUS, get(STATUS) | bit);
    }

    /** The first steps of a driver, up to those of its choice. */
    void acceptFeatures(long features) {
        put(STATUS, 0);
        status(VirtioBlkDevice.STATUS_ACKNOWLEDGE);
        status(VirtioBlkDevice.STATUS_DRIVER);
        put(DRIVER_FEATURES_SEL, 0);
        put(DRIVER_FEATURES, features & 0xFFFF_FFFFL);
        put(DRIVER_FEATURES_SEL, 1);
        put(DRIVER_FEATURES, features >>> 32);
        status(VirtioBlkDevice.STATUS_FEATURES_OK);
    }

    void setUpQueue(int index, int size, long descriptors, long driver, long device) {
        put(QUEUE_SEL, index);
        put(QUEUE_NUM, size);
        put(QUEUE_DESC_LOW, descriptors & 0xFFFF_FFFFL);
        put(QUEUE_DESC_HIGH, descriptors >>> 32);
        put(QUEUE_DRIVER_LOW, driver & 0xFFFF_FFFFL);
        put(QUEUE_DRIVER_HIGH, driver >>> 32);
        put(QUEUE_DEVICE_LOW, device & 0xFFFF_FFFFL);
        put(QUEUE_DEVICE_HIGH, device >>> 32);
    }

    @Override
    public long read(int offset, int widthBytes) {
        return mmio.read(offset, widthBytes);
    }

    @Override
    public void write(int offset, int widthBytes, long value) {
        mmio.write(offset, widthBytes, value);
    }

    @Override
    public int kickFd(int queue) {
        return mmio.kickFd(queue);
    }

    @Override
    public int interruptFd() {
        return mmio.interruptFd();
    }

    /** Not the device, which is somebody else's. */
    @Override
    public void close() {
        mmio.close();
        memory.close();
    }
}
