package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A virtual machine of KVM's: memory, the interrupt controllers and the timer of a PC, which the kernel emulates. */
final class KvmVm implements AutoCloseable {
    /** Pages that KVM needs for itself on some processors, out of the way of what we put below 4 GiB. */
    private static final long IDENTITY_MAP = 0xFFFBC000L;

    private static final long TSS = IDENTITY_MAP + 0x1000;
    /** The two 8259 and the IOAPIC. */
    static final int IRQCHIPS = 3;

    private static final int IOEVENTFD_DATAMATCH = 1;

    private final int fd;
    private final int runBytes;

    KvmVm(int fd, int runBytes) {
        this.fd = fd;
        this.runBytes = runBytes;
    }

    /** To be called before the first processor is made. */
    void createInterruptControllersAndTimer() {
        try (Arena arena = Arena.ofConfined()) {
            Libc.ioctl(fd, Ioctl.SET_IDENTITY_MAP_ADDR, arena.allocateFrom(JAVA_LONG, IDENTITY_MAP));
            Libc.ioctl(fd, Ioctl.SET_TSS_ADDR, TSS);
            Libc.ioctl(fd, Ioctl.CREATE_IRQCHIP, 0);
            Libc.ioctl(fd, Ioctl.CREATE_PIT2, arena.allocate(64, 8));
        }
    }

    /** struct kvm_userspace_memory_region; the memory must stay mapped until this machine is closed. */
    void setMemory(int slot, long gpa, MemorySegment memory) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment region = arena.allocate(32, 8);
            region.set(JAVA_INT, 0, slot);
            region.set(JAVA_LONG, 8, gpa);
            region.set(JAVA_LONG, 16, memory.byteSize());
            region.set(JAVA_LONG, 24, memory.address());
            Libc.ioctl(fd, Ioctl.SET_USER_MEMORY_REGION, region);
        }
    }

    /** From here on the kernel writes to the eventfd when the guest writes this value there, and tells nobody else. */
    void signalOnWrite(long gpa, int value, int eventFd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ioeventfd = arena.allocate(64, 8);
            ioeventfd.set(JAVA_LONG, 0, value);
            ioeventfd.set(JAVA_LONG, 8, gpa);
            ioeventfd.set(JAVA_INT, 16, Integer.BYTES);
            ioeventfd.set(JAVA_INT, 20, eventFd);
            ioeventfd.set(JAVA_INT, 24, IOEVENTFD_DATAMATCH);
            Libc.ioctl(fd, Ioctl.IOEVENTFD, ioeventfd);
        }
    }

    /** From here on whoever writes to the eventfd raises this interrupt, an edge. */
    void interruptOnSignal(int eventFd, int gsi) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment irqfd = arena.allocate(32, 8);
            irqfd.set(JAVA_INT, 0, eventFd);
            irqfd.set(JAVA_INT, 4, gsi);
            Libc.ioctl(fd, Ioctl.IRQFD, irqfd);
        }
    }

    void setInterruptLine(int gsi, boolean high) {
        try (Arena arena = Arena.ofConfined()) {
            Libc.ioctl(fd, Ioctl.IRQ_LINE, arena.allocateFrom(JAVA_INT, gsi, high ? 1 : 0));
        }
    }

    KvmVcpu createVcpu(int id) {
        return new KvmVcpu(Libc.ioctl(fd, Ioctl.CREATE_VCPU, id), runBytes);
    }

    /** A struct of the machine's state; {@code word} is its first word, which says which one is wanted. */
    byte[] get(Ioctl request, int word) {
        return KvmState.get(fd, request, word);
    }

    void set(Ioctl request, byte[] state) {
        KvmState.set(fd, request, state);
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}
