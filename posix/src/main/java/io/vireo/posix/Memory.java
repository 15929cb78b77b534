package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Raw access to native memory by address, little-endian, for addresses that were checked once at a boundary.
 *
 * <p>Every access goes through one {@code static final} segment over the whole address space: the compiler then knows
 * its bounds and drops the checks, which a segment in an instance field costs on every access. Nothing here checks
 * anything: an address comes from {@link NativeBlock}, {@link Mapping} or a bounds-checked translation, never from a
 * guest. A page that went away under a mapping (a truncated file) raises {@link InternalError} in the thread that
 * touches it, but not always there: see {@link #raiseFaults}. Callers at the guest's edge turn that into the device's
 * failure.
 *
 * <p>The plain accessors take any address, aligned or not; those named acquire, release and volatile want natural
 * alignment.
 */
public final class Memory {
    static {
        NativeAccess.require();
    }

    private static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final VarHandle ALIGNED_U16 =
            MethodHandles.insertCoordinates(ValueLayout.JAVA_SHORT.varHandle(), 0, ALL);
    private static final VarHandle ALIGNED_U32 =
            MethodHandles.insertCoordinates(ValueLayout.JAVA_INT.varHandle(), 0, ALL);
    private static final VarHandle ALIGNED_U64 =
            MethodHandles.insertCoordinates(ValueLayout.JAVA_LONG.varHandle(), 0, ALL);

    /** Small enough to stay in the first cache. */
    private static final MemorySegment ZEROES = Arena.global().allocate(16 << 10, 64);

    /** Always 1, which the compiler must not know. */
    private static volatile int once = 1;

    private Memory() {}

    /**
     * Raises now the {@link InternalError} of an access that faulted earlier in this thread, if there was one. HotSpot
     * skips the access and raises the error at the thread's next safepoint poll, which may be anywhere: in the middle of
     * somebody else's work. So the last act of every {@code try} around accesses that may fault is this.
     */
    public static void raiseFaults() {
        // The way back up of a loop whose end cannot be known ahead has a poll in it, however this is compiled.
        for (int i = 0; i < once; i++) {}
    }

    public static int getU8(long address) {
        return Byte.toUnsignedInt(ALL.get(U8, address));
    }

    public static void putU8(long address, int value) {
        ALL.set(U8, address, (byte) value);
    }

    public static int getU16(long address) {
        return Short.toUnsignedInt(ALL.get(U16, address));
    }

    public static void putU16(long address, int value) {
        ALL.set(U16, address, (short) value);
    }

    /** For memory of our own and the kernel's: a guest's is read by 16 and by 64 bits, for the reason in ADR 0001. */
    public static int getInt(long address) {
        return ALL.get(U32, address);
    }

    /** As {@link #getInt}, unsigned. */
    public static long getU32(long address) {
        return Integer.toUnsignedLong(ALL.get(U32, address));
    }

    public static void putInt(long address, int value) {
        ALL.set(U32, address, value);
    }

    public static long getLong(long address) {
        return ALL.get(U64, address);
    }

    public static void putLong(long address, long value) {
        ALL.set(U64, address, value);
    }

    /** Reads a u16 so that no later access moves before it. */
    public static int getU16Acquire(long address) {
        return Short.toUnsignedInt((short) ALIGNED_U16.getAcquire(address));
    }

    /** Writes a u16 so that no earlier access moves behind it. */
    public static void putU16Release(long address, int value) {
        ALIGNED_U16.setRelease(address, (short) value);
    }

    public static int getIntAcquire(long address) {
        return (int) ALIGNED_U32.getAcquire(address);
    }

    public static void putIntRelease(long address, int value) {
        ALIGNED_U32.setRelease(address, value);
    }

    /** Sets the bits of {@code mask}, atomically, after everything before it. */
    public static void orInt(long address, int mask) {
        int ignored = (int) ALIGNED_U32.getAndBitwiseOr(address, mask);
    }

    /** Stores {@code next} if {@code expected} is there, atomically, also between processes; what was there. */
    public static int compareAndExchangeInt(long address, int expected, int next) {
        return (int) ALIGNED_U32.compareAndExchange(address, expected, next);
    }

    /** Reads 8 bytes at once so that no later access moves before it. */
    public static long getLongAcquire(long address) {
        return (long) ALIGNED_U64.getAcquire(address);
    }

    /** A full barrier: needed where a store must be seen before a following load (event index, need-wakeup flags). */
    public static void fullFence() {
        VarHandle.fullFence();
    }

    /** Keeps stores before it from moving behind those after it: for what a reader finds when this process has died. */
    public static void storeFence() {
        VarHandle.storeStoreFence();
    }

    public static void copy(long from, long to, long lengthBytes) {
        MemorySegment.copy(ALL, from, ALL, to, lengthBytes);
    }

    public static void copy(long from, byte[] to, int toIndex, int lengthBytes) {
        MemorySegment.copy(ALL, U8, from, to, toIndex, lengthBytes);
    }

    public static void copy(byte[] from, int fromIndex, long to, int lengthBytes) {
        MemorySegment.copy(from, fromIndex, ALL, U8, to, lengthBytes);
    }

    /** Fills with zeroes and, unlike {@link #fill}, never makes an object, whatever the compiler thinks of it. */
    public static void zero(long address, long lengthBytes) {
        for (long done = 0; done < lengthBytes; done += ZEROES.byteSize()) {
            MemorySegment.copy(ZEROES, 0, ALL, address + done, Math.min(ZEROES.byteSize(), lengthBytes - done));
        }
    }

    public static void fill(long address, long lengthBytes, int value) {
        ALL.asSlice(address, lengthBytes).fill((byte) value);
    }
}
