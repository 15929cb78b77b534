package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;

/** /dev/kvm: what this host can do, and the making of machines (Documentation/virt/kvm/api.rst in Linux). */
final class Kvm implements AutoCloseable {
    private static final int API_VERSION = 12;
    /** What we need of KVM, by the number of its capability. */
    private static final Map<Integer, String> NEEDED = new TreeMap<>(Map.of(
            0, "KVM_CAP_IRQCHIP", 3, "KVM_CAP_USER_MEMORY", 7, "KVM_CAP_EXT_CPUID", 32, "KVM_CAP_IRQFD",
            33, "KVM_CAP_PIT2", 36, "KVM_CAP_IOEVENTFD", 55, "KVM_CAP_XSAVE"));

    private static final int CPUID_ENTRIES_MAX = 256;
    private static final int MSRS_MAX = 1024;

    private final int fd;

    private Kvm(int fd) {
        this.fd = fd;
    }

    /** @throws KvmException it cannot be used: why, and what helps */
    static Kvm open(String device) {
        int fd;
        try {
            fd = Libc.openReadWrite(device);
        } catch (LibcException e) {
            throw new KvmException(reason(device, e));
        }
        try {
            int version = Libc.ioctl(fd, Ioctl.GET_API_VERSION, 0);
            if (version != API_VERSION) {
                throw new KvmException(device + " speaks version " + version + " of its API, we " + API_VERSION);
            }
            for (var capability : NEEDED.entrySet()) {
                if (Libc.ioctl(fd, Ioctl.CHECK_EXTENSION, capability.getKey()) <= 0) {
                    throw new KvmException(device + " has no " + capability.getValue()
                            + ": this kernel is too old, or its KVM is incomplete");
                }
            }
            return new Kvm(fd);
        } catch (RuntimeException e) {
            Libc.close(fd);
            throw e instanceof LibcException ? new KvmException(device + " is not KVM's: " + e.getMessage()) : e;
        }
    }

    private static String reason(String device, LibcException e) {
        return switch (e.errno()) {
            case LibcException.ENOENT -> "there is no " + device + ". Load its module (modprobe kvm_amd, or kvm_intel); if that "
                    + "fails, switch on SVM or VT-x in the firmware, or, in a virtual machine, nested virtualization in its "
                    + "host. A container has it only when told so (docker run --device " + device + ")";
            case LibcException.EACCES, LibcException.EPERM -> "we may not open " + device
                    + ". Join its group (usermod -aG kvm USER, then log in again); a container has to be given the device";
            case LibcException.ENXIO, LibcException.ENODEV -> device + " is there, and no KVM behind it. Load its module: "
                    + "modprobe kvm_amd, or kvm_intel";
            default -> e.getMessage();
        };
    }

    /** A machine without memory or processors. */
    KvmVm createVm() {
        return new KvmVm(Libc.ioctl(fd, Ioctl.CREATE_VM, 0), Libc.ioctl(fd, Ioctl.GET_VCPU_MMAP_SIZE, 0));
    }

    /** struct kvm_cpuid2 of all that a guest may be shown here. */
    Cpuid supportedCpuid() {
        MemorySegment table = Arena.ofAuto().allocate(Cpuid.HEADER_BYTES + CPUID_ENTRIES_MAX * Cpuid.ENTRY_BYTES, 8);
        table.set(JAVA_INT, 0, CPUID_ENTRIES_MAX);
        Libc.ioctl(fd, Ioctl.GET_SUPPORTED_CPUID, table);
        return new Cpuid(table);
    }

    /** The model specific registers that a processor's state consists of. */
    int[] savedMsrs() {
        MemorySegment list = Arena.ofAuto().allocate(4 + 4 * MSRS_MAX, 4);
        list.set(JAVA_INT, 0, MSRS_MAX);
        Libc.ioctl(fd, Ioctl.GET_MSR_INDEX_LIST, list);
        return list.asSlice(4, 4L * list.get(JAVA_INT, 0)).toArray(JAVA_INT);
    }

    @Override
    public void close() {
        Libc.close(fd);
    }
}
