package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Blocking calls on an executor's threads. What is done is pushed on a stack shared by those threads; only the one that
 * finds it empty wakes the IOThread, which takes all of it at once.
 */
public final class ThreadsEngine implements AioEngine {
    private final IoContext context;
    private final Executor pool;
    private final FileCalls calls;
    private final AtomicReference<Job> done = new AtomicReference<>();
    private final Runnable reap = this::poll;
    private Job free;
    private int inFlight;

    /**
     * @param context the IOThread's own
     * @param pool where calls may block; its bound is the number of calls at once, so its queue must not refuse
     */
    public ThreadsEngine(IoContext context, Executor pool) {
        this(context, pool, FileCalls.SYSTEM);
    }

    ThreadsEngine(IoContext context, Executor pool, FileCalls calls) {
        this.context = context;
        this.pool = pool;
        this.calls = calls;
    }

    /** One request and its result. Written by the IOThread, then by a pool thread, then read by the IOThread. */
    private final class Job implements Runnable {
        final FileIo io = new FileIo(0);
        Job next;
        int errno;

        @Override
        public void run() {
            try {
                errno = perform(io);
            } catch (Throwable e) {
                // Whatever it was, the request must come back; the pool's thread reports it.
                errno = Errno.EIO;
                throw e;
            } finally {
                push(this);
            }
        }
    }

    @Override
    public AioMode kind() {
        return AioMode.THREADS;
    }

    @Override
    public void submit(int fd, IoRequest request) {
        Job job = free;
        if (job == null) job = new Job();
        else free = job.next;
        job.next = null;
        job.io.begin(fd, request);
        inFlight++;
        try {
            pool.execute(job);
        } catch (RejectedExecutionException e) {
            finish(job, Errno.ECANCELED); // the pool is shut down
        }
    }

    private int perform(FileIo io) {
        int verdict = FileIo.AGAIN;
        while (verdict == FileIo.AGAIN) verdict = io.settle(call(io));
        return verdict;
    }

    private long call(FileIo io) {
        return switch (io.call()) {
            // Whole buffers, however long: a thread of the pool keeps nobody waiting.
            case READ, READV -> calls.preadv(io.fd, io.iovAddress(), io.iovCount(), io.offsetBytes());
            case WRITE, WRITEV -> calls.pwritev(io.fd, io.iovAddress(), io.iovCount(), io.offsetBytes(), io.rwFlags());
            case DATASYNC -> calls.datasync(io.fd);
            case SECURE_ERASE -> calls.secureErase(io.fd, io.offsetBytes(), io.remainingBytes());
            case QUESTION -> io.request.question().getAsLong();
            case FALLOCATE -> calls.fallocate(io.fd, io.fallocateMode(), io.offsetBytes(), io.remainingBytes());
        };
    }

    private void push(Job job) {
        Job top;
        do {
            top = done.get();
            job.next = top;
        } while (!done.compareAndSet(top, job));
        if (top == null) context.execute(reap);
    }

    @Override
    public int flush() {
        return 0;
    }

    @Override
    public int poll() {
        if (done.getPlain() == null) return 0;
        Job oldest = reverse(done.getAndSet(null));
        int count = 0;
        while (oldest != null) {
            Job job = oldest;
            oldest = job.next;
            finish(job, job.errno);
            count++;
        }
        return count;
    }

    private static Job reverse(Job newest) {
        Job reversed = null;
        Job job = newest;
        while (job != null) {
            Job older = job.next;
            job.next = reversed;
            reversed = job;
            job = older;
        }
        return reversed;
    }

    private void finish(Job job, int errno) {
        IoRequest request = job.io.request;
        job.io.request = null;
        job.next = free;
        free = job;
        inFlight--;
        request.complete(errno);
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    /** The pool is its maker's. */
    @Override
    public void close() {
        if (inFlight > 0) throw new IllegalStateException("inFlight=" + inFlight);
    }
}
