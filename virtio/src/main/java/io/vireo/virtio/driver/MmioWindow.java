package io.vireo.virtio.driver;

/** The registers of a virtio-mmio device as a guest reaches them, and what its hypervisor made of two of them. */
public interface MmioWindow {
    long read(int offset, int widthBytes);

    void write(int offset, int widthBytes, long value);

    /** The ioeventfd for a queue's notifications; not ours to close. */
    int kickFd(int queue);

    /** The irqfd; not ours to close. */
    int interruptFd();
}
