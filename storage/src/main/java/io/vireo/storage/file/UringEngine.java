package io.vireo.storage.file;

import io.vireo.posix.uring.IoUring;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.IoRequest;

/**
 * File I/O on the IOThread's io_uring, which other things share: the loop enters the kernel, reaps, and hands the
 * completions that carry this engine's tag to {@link #completed}.
 *
 * <p>The user data of an operation is the tag in its highest byte and the request's slot in the lowest four. Requests
 * for which the ring has no room wait here, in order, until {@link #flush} finds some.
 */
public final class UringEngine implements AioEngine {
    private static final int TAG_SHIFT = 56;
    private static final int INITIAL_SLOTS = 256;

    private final IoUring ring;
    private final long tagBits;
    private final FileIoTable table = new FileIoTable(INITIAL_SLOTS);
    private final FileIoFifo waiting = new FileIoFifo();

    /**
     * Called on the IOThread.
     *
     * @param ring the IOThread's, not owned
     * @param tag 0..255, of no other user of the ring
     */
    public UringEngine(IoUring ring, int tag) {
        if (tag != (tag & 0xFF)) throw new IllegalArgumentException("tag=" + tag);
        this.ring = ring;
        this.tagBits = (long) tag << TAG_SHIFT;
    }

    /** The tag that an operation was prepared with, whoever prepared it. */
    public static int tagOf(long userData) {
        return (int) (userData >>> TAG_SHIFT);
    }

    @Override
    public AioMode kind() {
        return AioMode.IO_URING;
    }

    @Override
    public void submit(int fd, IoRequest request) {
        prepareOrWait(table.take(fd, request));
    }

    private void prepareOrWait(FileIo io) {
        if (!waiting.isEmpty() || !prepare(io)) waiting.add(io);
    }

    private boolean prepare(FileIo io) {
        long userData = tagBits | io.slot;
        return switch (io.call()) {
            case READ -> ring.read(io.fd, io.bufferAddress(), io.callBytes(), io.offsetBytes(), 0, 0, userData);
            case WRITE ->
                ring.write(io.fd, io.bufferAddress(), io.callBytes(), io.offsetBytes(), io.rwFlags(), 0, userData);
            case READV -> ring.readv(io.fd, io.iovAddress(), io.iovCount(), io.offsetBytes(), 0, 0, userData);
            case WRITEV ->
                ring.writev(io.fd, io.iovAddress(), io.iovCount(), io.offsetBytes(), io.rwFlags(), 0, userData);
            case DATASYNC -> ring.fsync(io.fd, true, 0, userData);
            case FALLOCATE ->
                ring.fallocate(io.fd, io.fallocateMode(), io.offsetBytes(), io.remainingBytes(), 0, userData);
            case SECURE_ERASE, QUESTION -> throw new AssertionError(io.request.toString()); // threads do that
        };
    }

    /** One completion with this engine's tag; the arguments are the ring's. */
    public void completed(long userData, int result, int flags) {
        FileIo io = table.get((int) userData);
        int verdict = io.settle(result);
        if (verdict == FileIo.AGAIN) {
            prepareOrWait(io);
            return;
        }
        IoRequest request = io.request;
        table.giveBack(io);
        request.complete(verdict);
    }

    /** Prepares what waits, as far as the ring has room; submitting is the loop's. */
    @Override
    public int flush() {
        int moved = 0;
        while (!waiting.isEmpty() && prepare(waiting.peek())) {
            waiting.poll();
            moved++;
        }
        return moved;
    }

    /** Whether requests wait for room in the ring. */
    public boolean hasWaiting() {
        return !waiting.isEmpty();
    }

    /** Nothing: the loop reaps. */
    @Override
    public int poll() {
        return 0;
    }

    @Override
    public int inFlight() {
        return table.taken();
    }

    /** The ring is the loop's. */
    @Override
    public void close() {
        if (table.taken() > 0) throw new IllegalStateException("inFlight=" + table.taken());
    }
}
