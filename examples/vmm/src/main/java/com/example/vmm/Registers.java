package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/** Where a processor begins: struct kvm_regs and the part of struct kvm_sregs that says in which mode. */
final class Registers {
    private static final int RSI = 4 * 8;
    private static final int RSP = 6 * 8;
    private static final int RIP = 16 * 8;
    private static final int RFLAGS = 17 * 8;
    private static final int RFLAGS_RESERVED = 1 << 1;

    private static final int SEGMENT_BYTES = 24;
    private static final int DATA_SEGMENTS = 5;
    private static final int CR0 = 224;
    private static final int CR3 = 240;
    private static final int CR4 = 248;
    private static final int EFER = 264;

    private static final int CR0_PE = 1;
    private static final int CR0_NE = 1 << 5;
    private static final int CR0_PG = 1 << 31;
    private static final int CR4_PAE = 1 << 5;
    private static final int EFER_LME = 1 << 8;
    private static final int EFER_LMA = 1 << 10;

    private final byte[] general = new byte[Ioctl.SET_REGS.argumentBytes()];
    private final byte[] special;

    Registers(byte[] sregsAtReset) {
        special = sregsAtReset;
        setLong(general, RFLAGS, RFLAGS_RESERVED);
    }

    void rip(long value) {
        setLong(general, RIP, value);
    }

    void rsi(long value) {
        setLong(general, RSI, value);
    }

    void rsp(long value) {
        setLong(general, RSP, value);
    }

    /** 32 bits, without paging, one segment over everything. */
    void protectedMode(int codeSelector, int dataSelector) {
        setSegment(0, codeSelector, 0xB, false);
        for (int i = 1; i <= DATA_SEGMENTS; i++) setSegment(i, dataSelector, 0x3, false);
        setLong(special, CR0, CR0_PE | CR0_NE);
    }

    /** 64 bits, with the page tables at {@code pml4}. */
    void longMode(int codeSelector, int dataSelector, long pml4) {
        protectedMode(codeSelector, dataSelector);
        setSegment(0, codeSelector, 0xB, true);
        setLong(special, CR3, pml4);
        setLong(special, CR4, CR4_PAE);
        setLong(special, EFER, EFER_LME | EFER_LMA);
        setLong(special, CR0, CR0_PE | CR0_NE | CR0_PG & 0xFFFF_FFFFL);
    }

    byte[] general() {
        return general;
    }

    byte[] special() {
        return special;
    }

    /** struct kvm_segment, as the processor would have read it from a descriptor table. */
    private void setSegment(int index, int selector, int type, boolean is64Bit) {
        MemorySegment segment = MemorySegment.ofArray(special).asSlice((long) index * SEGMENT_BYTES, SEGMENT_BYTES);
        segment.fill((byte) 0);
        segment.set(JAVA_INT.withByteAlignment(1), 8, 0xFFFF_FFFF);
        segment.set(JAVA_SHORT.withByteAlignment(1), 12, (short) selector);
        segment.set(JAVA_BYTE, 14, (byte) type);
        segment.set(JAVA_BYTE, 15, (byte) 1);                       // present
        segment.set(JAVA_BYTE, 17, (byte) (is64Bit ? 0 : 1));       // db
        segment.set(JAVA_BYTE, 18, (byte) 1);                       // s: code or data
        segment.set(JAVA_BYTE, 19, (byte) (is64Bit ? 1 : 0));       // l
        segment.set(JAVA_BYTE, 20, (byte) 1);                       // g: the limit counts pages
    }

    private static void setLong(byte[] struct, int offset, long value) {
        MemorySegment.ofArray(struct).set(JAVA_LONG.withByteAlignment(1), offset, value);
    }
}
