package com.example.vmm;

/**
 * A request to KVM, numbered as Linux numbers all of them: direction, size of the argument's struct, KVM's letter, number.
 *
 * @param argumentBytes 0 when the argument is no address
 */
record Ioctl(String name, long number, int argumentBytes) {
    private static final int KVMIO = 0xAE;
    private static final long WRITE = 1L << 30;
    private static final long READ = 2L << 30;

    static final Ioctl GET_API_VERSION = io("KVM_GET_API_VERSION", 0x00);
    static final Ioctl CREATE_VM = io("KVM_CREATE_VM", 0x01);
    static final Ioctl GET_MSR_INDEX_LIST = iowr("KVM_GET_MSR_INDEX_LIST", 0x02, 4);
    static final Ioctl CHECK_EXTENSION = io("KVM_CHECK_EXTENSION", 0x03);
    static final Ioctl GET_VCPU_MMAP_SIZE = io("KVM_GET_VCPU_MMAP_SIZE", 0x04);
    static final Ioctl GET_SUPPORTED_CPUID = iowr("KVM_GET_SUPPORTED_CPUID", 0x05, 8);

    static final Ioctl CREATE_VCPU = io("KVM_CREATE_VCPU", 0x41);
    static final Ioctl SET_USER_MEMORY_REGION = iow("KVM_SET_USER_MEMORY_REGION", 0x46, 32);
    static final Ioctl SET_TSS_ADDR = io("KVM_SET_TSS_ADDR", 0x47);
    static final Ioctl SET_IDENTITY_MAP_ADDR = iow("KVM_SET_IDENTITY_MAP_ADDR", 0x48, 8);
    static final Ioctl CREATE_IRQCHIP = io("KVM_CREATE_IRQCHIP", 0x60);
    static final Ioctl IRQ_LINE = iow("KVM_IRQ_LINE", 0x61, 8);
    static final Ioctl GET_IRQCHIP = iowr("KVM_GET_IRQCHIP", 0x62, 520);
    static final Ioctl SET_IRQCHIP = ior("KVM_SET_IRQCHIP", 0x63, 520);
    static final Ioctl IRQFD = iow("KVM_IRQFD", 0x76, 32);
    static final Ioctl CREATE_PIT2 = iow("KVM_CREATE_PIT2", 0x77, 64);
    static final Ioctl IOEVENTFD = iow("KVM_IOEVENTFD", 0x79, 64);
    static final Ioctl SET_CLOCK = iow("KVM_SET_CLOCK", 0x7b, 48);
    static final Ioctl GET_CLOCK = ior("KVM_GET_CLOCK", 0x7c, 48);
    static final Ioctl GET_PIT2 = ior("KVM_GET_PIT2", 0x9f, 112);
    static final Ioctl SET_PIT2 = iow("KVM_SET_PIT2", 0xa0, 112);

    static final Ioctl RUN = io("KVM_RUN", 0x80);
    static final Ioctl GET_REGS = ior("KVM_GET_REGS", 0x81, 144);
    static final Ioctl SET_REGS = iow("KVM_SET_REGS", 0x82, 144);
    static final Ioctl GET_SREGS = ior("KVM_GET_SREGS", 0x83, 312);
    static final Ioctl SET_SREGS = iow("KVM_SET_SREGS", 0x84, 312);
    static final Ioctl GET_MSRS = iowr("KVM_GET_MSRS", 0x88, 8);
    static final Ioctl SET_MSRS = iow("KVM_SET_MSRS", 0x89, 8);
    static final Ioctl SET_SIGNAL_MASK = iow("KVM_SET_SIGNAL_MASK", 0x8b, 4);
    static final Ioctl GET_LAPIC = ior("KVM_GET_LAPIC", 0x8e, 1024);
    static final Ioctl SET_LAPIC = iow("KVM_SET_LAPIC", 0x8f, 1024);
    static final Ioctl SET_CPUID2 = iow("KVM_SET_CPUID2", 0x90, 8);
    static final Ioctl GET_MP_STATE = ior("KVM_GET_MP_STATE", 0x98, 4);
    static final Ioctl SET_MP_STATE = iow("KVM_SET_MP_STATE", 0x99, 4);
    static final Ioctl GET_VCPU_EVENTS = ior("KVM_GET_VCPU_EVENTS", 0x9f, 64);
    static final Ioctl SET_VCPU_EVENTS = iow("KVM_SET_VCPU_EVENTS", 0xa0, 64);
    static final Ioctl GET_DEBUGREGS = ior("KVM_GET_DEBUGREGS", 0xa1, 128);
    static final Ioctl SET_DEBUGREGS = iow("KVM_SET_DEBUGREGS", 0xa2, 128);
    static final Ioctl GET_XSAVE = ior("KVM_GET_XSAVE", 0xa4, 4096);
    static final Ioctl SET_XSAVE = iow("KVM_SET_XSAVE", 0xa5, 4096);
    static final Ioctl GET_XCRS = ior("KVM_GET_XCRS", 0xa6, 392);
    static final Ioctl SET_XCRS = iow("KVM_SET_XCRS", 0xa7, 392);
    static final Ioctl KVMCLOCK_CTRL = io("KVM_KVMCLOCK_CTRL", 0xad);

    private static Ioctl io(String name, int number) {
        return new Ioctl(name, KVMIO << 8 | number, 0);
    }

    private static Ioctl ior(String name, int number, int bytes) {
        return new Ioctl(name, READ | (long) bytes << 16 | KVMIO << 8 | number, bytes);
    }

    private static Ioctl iow(String name, int number, int bytes) {
        return new Ioctl(name, WRITE | (long) bytes << 16 | KVMIO << 8 | number, bytes);
    }

    private static Ioctl iowr(String name, int number, int bytes) {
        return new Ioctl(name, READ | WRITE | (long) bytes << 16 | KVMIO << 8 | number, bytes);
    }
}
