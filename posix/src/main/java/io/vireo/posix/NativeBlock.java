package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A zeroed piece of native memory with one owner, who closes it when neither our code nor the kernel uses it.
 *
 * <p>Closing is idempotent. The address is dead afterwards: nothing checks that.
 */
public final class NativeBlock implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;
    private boolean closed;

    private NativeBlock(long sizeBytes, long alignmentBytes) {
        segment = arena.allocate(sizeBytes, alignmentBytes);
    }

    public static NativeBlock allocate(long sizeBytes, long alignmentBytes) {
        return new NativeBlock(sizeBytes, alignmentBytes);
    }

    public long address() {
        return segment.address();
    }

    public long sizeBytes() {
        return segment.byteSize();
    }

    MemorySegment segment() {
        return segment;
    }

    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        arena.close();
    }
}
