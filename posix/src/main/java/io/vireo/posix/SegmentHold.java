package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.CountDownLatch;

/**
 * Keeps the memory of somebody else's segment where it is while its raw address is in use: closing a shared arena then
 * throws {@link IllegalStateException} in whoever tries, rather than pull the memory away.
 *
 * <p>The JVM holds an arena open for as long as a native call has a segment of it among its arguments, and has no other
 * public way to ask for that. So a thread of our own makes such a call and stays in it: bsearch(3) with the segment as
 * the key, whose comparison comes back into Java and waits for {@link #close}. Nothing reads or writes the segment.
 */
public final class SegmentHold implements AutoCloseable {
    private static final FunctionDescriptor COMPARISON =
            FunctionDescriptor.of(Libc.INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS);
    private static final MethodHandle BSEARCH = Libc.link(
            "bsearch", ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, Libc.LONG, Libc.LONG,
            ValueLayout.ADDRESS);

    private final MemorySegment segment;
    private final CountDownLatch held = new CountDownLatch(1);
    private final CountDownLatch letGo = new CountDownLatch(1);
    private final Thread holder;
    private volatile Throwable refusal;

    private SegmentHold(MemorySegment segment) {
        this.segment = segment;
        holder = Thread.ofPlatform()
                .daemon()
                .name("vireo-segment-hold")
                .inheritInheritableThreadLocals(false)
                .unstarted(this::hold);
    }

    /**
     * Returns when the memory cannot go away any more.
     *
     * @throws IllegalArgumentException not memory that other threads and the kernel may write: on the heap, read-only,
     *     empty, or of an arena that is confined to one thread
     * @throws IllegalStateException its arena is closed
     */
    public static SegmentHold of(MemorySegment segment) {
        if (!segment.isNative()) throw new IllegalArgumentException("the segment is on the heap, where memory moves");
        if (segment.isReadOnly()) throw new IllegalArgumentException("the segment is read-only");
        if (segment.byteSize() == 0) throw new IllegalArgumentException("the segment is empty");
        if (!segment.scope().isAlive()) throw new IllegalStateException("the segment's arena is closed");
        SegmentHold hold = new SegmentHold(segment);
        if (!segment.isAccessibleBy(hold.holder)) {
            throw new IllegalArgumentException("the segment's arena is confined to one thread: Arena.ofShared(),"
                    + " Arena.ofAuto() and Arena.global() give memory that others may use");
        }
        // The global arena is never closed.
        if (!segment.scope().equals(Arena.global().scope())) hold.start();
        return hold;
    }

    public long address() {
        return segment.address();
    }

    public long sizeBytes() {
        return segment.byteSize();
    }

    /** Lets go; when it returns, the arena may be closed. Nobody uses the address any more. */
    @Override
    public void close() {
        letGo.countDown();
        boolean interrupted = false;
        while (true) {
            try {
                holder.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    private void start() {
        holder.start();
        awaitUninterruptibly(held);
        if (refusal == null) return;
        close();
        throw new IllegalStateException("the segment cannot be held", refusal);
    }

    private void hold() {
        try (Arena arena = Arena.ofConfined()) {
            MethodHandle comparison =
                    MethodHandles.lookup().bind(this, "compare", MethodType.methodType(
                            int.class, MemorySegment.class, MemorySegment.class));
            MemorySegment stub = Linker.nativeLinker().upcallStub(comparison, COMPARISON, arena);
            MemorySegment table = arena.allocate(1);
            MemorySegment ignored =
                    (MemorySegment) BSEARCH.invokeExact(Libc.errnoSegment(), segment, table, 1L, 1L, stub);
        } catch (Throwable e) {
            refusal = e;
        } finally {
            held.countDown();
        }
    }

    /** Called by bsearch, so while the segment is held. Nothing may be thrown from here. */
    private int compare(MemorySegment key, MemorySegment element) {
        held.countDown();
        awaitUninterruptibly(letGo);
        return 0;
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                latch.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }
}
