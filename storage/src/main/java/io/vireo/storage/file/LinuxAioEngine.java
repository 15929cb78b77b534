package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.EventFd;
import io.vireo.posix.LinuxAio;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;

import java.util.Arrays;
import java.util.concurrent.Executor;

/**
 * Linux AIO for files opened with O_DIRECT: reads, writes and, where the kernel can, flushes. What it has no operation
 * for goes to threads. A completion counts up an eventfd, which the loop watches and drains; it then calls
 * {@link #poll}.
 */
public final class LinuxAioEngine implements AioEngine {
    private final EventFd completions;
    private final LinuxAio aio;
    private final ThreadsEngine threads;
    private final FileIo[] bySlot;
    private final int[] freeSlots;
    private int freeCount;
    private final FileIoTable table;
    private final FileIoFifo waiting = new FileIoFifo();
    private final LinuxAio.Handler handler = this::completed;
    private boolean flushesInThreads;

    private LinuxAioEngine(EventFd completions, LinuxAio aio, int depth, ThreadsEngine threads) {
        this.completions = completions;
        this.aio = aio;
        this.threads = threads;
        this.table = new FileIoTable(depth);
        this.bySlot = new FileIo[depth];
        this.freeSlots = new int[depth];
        Arrays.setAll(freeSlots, i -> depth - 1 - i);
        this.freeCount = depth;
    }

    /**
     * Called on the IOThread.
     *
     * @param depth how many requests the kernel has at once; others wait
     * @param pool as for {@link ThreadsEngine}
     * @throws io.vireo.posix.PosixException the system gives no context of this depth
     */
    public static LinuxAioEngine open(int depth, IoContext context, Executor pool) {
        EventFd completions = EventFd.create();
        try {
            LinuxAio aio = LinuxAio.open(depth, completions);
            return new LinuxAioEngine(completions, aio, depth, new ThreadsEngine(context, pool));
        } catch (RuntimeException e) {
            completions.close();
            throw e;
        }
    }

    /** Becomes readable when there is something to poll for. Owned by the engine. */
    public EventFd completions() {
        return completions;
    }

    @Override
    public AioMode kind() {
        return AioMode.NATIVE;
    }

    @Override
    public void submit(int fd, IoRequest request) {
        boolean inThreads = switch (request.operation()) {
            case READ, WRITE -> false;
            case FLUSH -> flushesInThreads;
            default -> true;
        };
        if (inThreads) threads.submit(fd, request);
        else prepareOrWait(table.take(fd, request));
    }

    private void prepareOrWait(FileIo io) {
        if (waiting.isEmpty() && freeCount > 0) prepare(io);
        else waiting.add(io);
    }

    private void prepare(FileIo io) {
        int slot = freeSlots[--freeCount];
        bySlot[slot] = io;
        switch (io.call()) {
            case READ -> aio.pread(slot, io.fd, io.bufferAddress(), io.callBytes(), io.offsetBytes(), 0);
            case WRITE -> aio.pwrite(slot, io.fd, io.bufferAddress(), io.callBytes(), io.offsetBytes(), io.rwFlags());
            case READV -> aio.preadv(slot, io.fd, io.iovAddress(), io.iovCount(), io.offsetBytes(), 0);
            case WRITEV -> aio.pwritev(slot, io.fd, io.iovAddress(), io.iovCount(), io.offsetBytes(), io.rwFlags());
            case DATASYNC -> aio.fsync(slot, io.fd, true);
            case FALLOCATE, SECURE_ERASE, QUESTION -> throw new AssertionError(io.request.toString());
        }
    }

    private void completed(int slot, long result) {
        FileIo io = bySlot[slot];
        bySlot[slot] = null;
        freeSlots[freeCount++] = slot;
        IoRequest request = io.request;
        if (io.call() == FileIo.Call.DATASYNC && isUnknownOperation(result)) {
            flushesInThreads = true;
            int fd = io.fd;
            table.giveBack(io);
            threads.submit(fd, request);
            return;
        }
        int verdict = io.settle(result);
        if (verdict == FileIo.AGAIN) {
            prepareOrWait(io);
            return;
        }
        table.giveBack(io);
        request.complete(verdict);
    }

    private static boolean isUnknownOperation(long result) {
        return result == -Errno.EINVAL || result == -Errno.EOPNOTSUPP;
    }

    @Override
    public int flush() {
        while (!waiting.isEmpty() && freeCount > 0) prepare(waiting.poll());
        return aio.pending() == 0 ? 0 : aio.submit();
    }

    @Override
    public int poll() {
        return threads.poll() + aio.reap(handler);
    }

    @Override
    public int inFlight() {
        return table.taken() + threads.inFlight();
    }

    @Override
    public void close() {
        if (inFlight() > 0) throw new IllegalStateException("inFlight=" + inFlight());
        aio.close();
        completions.close();
    }
}
