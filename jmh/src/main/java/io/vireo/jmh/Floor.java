package io.vireo.jmh;

import io.vireo.posix.EventFd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.TearDown;

/** What the kernel and the processor ask for, whoever does it: a system call that calls nobody, copying a block, a clock. */
public class Floor extends Micro {
    private static final int BLOCK_BYTES = 4096;
    /** Far more than the caches hold next to the processor: what a guest's buffers are. */
    private static final int BLOCKS = 16384;

    private final EventFd eventFd = EventFd.create();
    private final NativeBlock blocks = NativeBlock.allocate((long) BLOCKS * BLOCK_BYTES, BLOCK_BYTES);
    private final NativeBlock target = NativeBlock.allocate(BLOCK_BYTES, BLOCK_BYTES);
    private int next;

    @TearDown
    public void close() {
        eventFd.close();
        blocks.close();
        target.close();
    }

    @Benchmark
    public int eventFdWrite() {
        return eventFd.signal();
    }

    @Benchmark
    public void copy4kWarm() {
        Memory.copy(blocks.address(), target.address(), BLOCK_BYTES);
    }

    @Benchmark
    public void copy4kCold() {
        next = (next + 4099) % BLOCKS;
        Memory.copy(blocks.address() + (long) next * BLOCK_BYTES, target.address(), BLOCK_BYTES);
    }

    @Benchmark
    public long nanoTime() {
        return System.nanoTime();
    }
}
