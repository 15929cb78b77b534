package com.example.vmm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A virtual processor, and struct kvm_run, in which it says why it has stopped. Thread: its own, but for state. */
final class KvmVcpu implements AutoCloseable {
    /** Values of exit_reason. */
    static final int EXIT_IO = 2;

    static final int EXIT_MMIO = 6;
    static final int EXIT_SHUTDOWN = 8;
    static final int EXIT_FAIL_ENTRY = 9;
    static final int EXIT_INTERNAL_ERROR = 17;

    private static final int EXIT_REASON = 8;
    private static final int DETAIL = 32;
    private static final int MSRS_HEADER_BYTES = 8;

    private final int fd;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment run;

    KvmVcpu(int fd, int runBytes) {
        this.fd = fd;
        run = Libc.map(fd, runBytes, arena);
    }

    /** While it runs the guest, and only then, this thread may be interrupted: by whatever is blocked outside of it. */
    void unblockAllSignalsInGuest() {
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment mask = confined.allocate(12, 4);     // struct kvm_signal_mask: the length and no signal
            mask.set(JAVA_INT, 0, Long.BYTES);
            Libc.ioctl(fd, Ioctl.SET_SIGNAL_MASK, mask);
        }
    }

    void setCpuid(Cpuid cpuid) {
        Libc.ioctl(fd, Ioctl.SET_CPUID2, cpuid.table());
    }

    /** Runs the guest until it needs us; answers false when it was interrupted. */
    boolean run() {
        int result = Libc.tryIoctl(fd, Ioctl.RUN, 0);
        if (result == -LibcException.EINTR || result == -LibcException.EAGAIN) return false;
        if (result < 0) throw new LibcException("KVM_RUN", -result);
        return true;
    }

    int exitReason() {
        return run.get(JAVA_INT, EXIT_REASON);
    }

    /** The numbers that explain a failed entry or an internal error. */
    String exitDetail() {
        return "reason %d, detail 0x%x".formatted(exitReason(), run.get(JAVA_LONG, DETAIL));
    }

    boolean ioIsWrite() {
        return run.get(JAVA_BYTE, DETAIL) != 0;
    }

    int ioBytes() {
        return run.get(JAVA_BYTE, DETAIL + 1);
    }

    int ioPort() {
        return (int) load(DETAIL + 2, Short.BYTES);
    }

    /** Values that follow each other, {@link #ioBytes} each: more than one of a string instruction. */
    int ioCount() {
        return run.get(JAVA_INT, DETAIL + 4);
    }

    int ioValue(int index) {
        return (int) load(ioAt(index), ioBytes());
    }

    void setIoValue(int index, int value) {
        store(ioAt(index), ioBytes(), value);
    }

    private long ioAt(int index) {
        return run.get(JAVA_LONG, DETAIL + 8) + (long) index * ioBytes();
    }

    long mmioGpa() {
        return run.get(JAVA_LONG, DETAIL);
    }

    int mmioBytes() {
        return run.get(JAVA_INT, DETAIL + 16);
    }

    boolean mmioIsWrite() {
        return run.get(JAVA_BYTE, DETAIL + 20) != 0;
    }

    /** What the guest writes. */
    long mmioValue() {
        return load(DETAIL + 8, mmioBytes());
    }

    /** What the guest reads. */
    void setMmioValue(long value) {
        store(DETAIL + 8, mmioBytes(), value);
    }

    private long load(long at, int bytes) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) value = value << 8 | Byte.toUnsignedInt(run.get(JAVA_BYTE, at + i));
        return value;
    }

    private void store(long at, int bytes, long value) {
        for (int i = 0; i < bytes; i++) run.set(JAVA_BYTE, at + i, (byte) (value >> 8 * i));
    }

    byte[] get(Ioctl request) {
        return KvmState.get(fd, request, 0);
    }

    void set(Ioctl request, byte[] state) {
        KvmState.set(fd, request, state);
    }

    /** Answers the struct for {@link #setMsr}, or null when this processor has no such register. */
    byte[] msr(int index) {
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment msrs = confined.allocate(MSRS_HEADER_BYTES + 16, 8);
            msrs.set(JAVA_INT, 0, 1);
            msrs.set(JAVA_INT, MSRS_HEADER_BYTES, index);
            return Libc.ioctl(fd, Ioctl.GET_MSRS, msrs) == 1 ? msrs.toArray(JAVA_BYTE) : null;
        }
    }

    /** False when the processor does not take it: some can only be read. */
    boolean setMsr(byte[] msr) {
        try (Arena confined = Arena.ofConfined()) {
            MemorySegment msrs = confined.allocate(msr.length, 8);
            MemorySegment.copy(msr, 0, msrs, JAVA_BYTE, 0, msr.length);
            return Libc.ioctl(fd, Ioctl.SET_MSRS, msrs) == 1;
        }
    }

    /** Tells the guest that it was stopped, so that its watchdogs look away. A guest without KVM's clock cannot be told. */
    void markPaused() {
        Libc.tryIoctl(fd, Ioctl.KVMCLOCK_CTRL, 0);
    }

    @Override
    public void close() {
        arena.close();
        Libc.close(fd);
    }
}
