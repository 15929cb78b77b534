package io.vireo.jmh;

import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.TearDown;

/** The accessors that rings and guest memory are read and written by; per access. */
@OperationsPerInvocation(MemoryAccess.ACCESSES)
public class MemoryAccess extends Micro {
    static final int ACCESSES = 512;
    private static final int STEP = 16;

    private final NativeBlock block = NativeBlock.allocate((long) ACCESSES * STEP, 64);
    private final long address = block.address();

    @TearDown
    public void close() {
        block.close();
    }

    @Benchmark
    public long getLong() {
        long sum = 0;
        for (int i = 0; i < ACCESSES; i++) sum += Memory.getLong(address + (long) i * STEP);
        return sum;
    }

    @Benchmark
    public int getU16Acquire() {
        int sum = 0;
        for (int i = 0; i < ACCESSES; i++) sum += Memory.getU16Acquire(address + (long) i * STEP);
        return sum;
    }

    @Benchmark
    public void putU16Release() {
        for (int i = 0; i < ACCESSES; i++) Memory.putU16Release(address + (long) i * STEP, i);
    }

    @Benchmark
    public int putFenceGet() {
        int sum = 0;
        // What stands between publishing and looking at the other side's index; fences alone would be made into one.
        for (int i = 0; i < ACCESSES; i++) {
            Memory.putU16Release(address + (long) i * STEP, i);
            Memory.fullFence();
            sum += Memory.getU16(address + (long) i * STEP + Long.BYTES);
        }
        return sum;
    }
}
