package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/** struct kvm_cpuid2: a count, padding, and entries of function, index, flags, eax, ebx, ecx, edx and padding. */
record Cpuid(MemorySegment table) {
    static final int HEADER_BYTES = 8;
    static final int ENTRY_BYTES = 40;
    private static final int EAX = 12;
    private static final int EBX = 16;
    private static final int ECX = 20;
    private static final int EDX = 24;

    /** The TSC deadline timer, which KVM has and leaves to us to show: with it the guest calibrates no other timer. */
    private static final int TSC_DEADLINE = 1 << 24;

    /** There is a hypervisor: where the guest then finds KVM's leaves, and in them a clock that needs no calibration. */
    private static final int HYPERVISOR = 1 << 31;

    /** Shows a processor who it is, where CPUID says it: its APIC id, and how many there are. */
    void setApicId(int id, int cpus) {
        int count = table.get(JAVA_INT, 0);
        for (int i = 0; i < count; i++) {
            MemorySegment entry = table.asSlice(HEADER_BYTES + (long) i * ENTRY_BYTES, ENTRY_BYTES);
            switch (entry.get(JAVA_INT, 0)) {
                case 0x1 -> {
                    int others = entry.get(JAVA_INT, EBX) & 0x0000FFFF;
                    entry.set(JAVA_INT, EBX, id << 24 | cpus << 16 | others);
                    entry.set(JAVA_INT, ECX, entry.get(JAVA_INT, ECX) | TSC_DEADLINE | HYPERVISOR);
                }
                case 0xB, 0x1F -> entry.set(JAVA_INT, EDX, id);
                case 0x8000001E -> entry.set(JAVA_INT, EAX, id);
                default -> { }
            }
        }
    }
}
