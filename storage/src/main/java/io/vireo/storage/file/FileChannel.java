package io.vireo.storage.file;

import io.vireo.posix.Fd;
import io.vireo.storage.node.Admission;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.Operation;
import java.util.function.LongSupplier;

/** One IOThread's way to a host file: decides what a request needs, then hands it to the thread's engine. */
final class FileChannel implements NodeChannel {
    private final HostFile file;
    private final ReadBytes reads;
    private Admission admission;
    private final int fd;
    private final AioEngine engine;
    /** For what no other engine can do; null when the file cannot either. */
    private final AioEngine threads;
    private final LongSupplier lifetime;
    /** Of the two ways to a file's data one is null: past the cache, and through it. */
    private final BounceBuffers bounce;
    private final PageCache cache;
    private final long memoryMask;
    private final long requestMask;
    private final boolean flushes;
    private final boolean noFlush;
    private final boolean unmaps;

    /** @param reads where to count; given back to the file when the channel closes */
    FileChannel(HostFile file, Fd fd, IoContext context, ReadBytes reads) {
        this.file = file;
        this.reads = reads;
        FileOptions options = file.options();
        this.admission = new Admission(file);
        this.fd = fd.number();
        boolean direct = options.cache().direct();
        this.engine = context.engine(options.aio(), direct);
        boolean needsThreads = file.lifetime() != null || file.limits().rare().secureErase().supported();
        this.threads = needsThreads ? context.engine(AioMode.THREADS, direct) : null;
        this.lifetime = file.lifetime();
        this.bounce = direct ? new BounceBuffers(engine, fd.number()) : null;
        this.cache = direct ? null : new PageCache(fd, context::nowNanos);
        this.memoryMask = file.limits().memoryAlignmentBytes() - 1L;
        this.requestMask = file.limits().requestAlignmentBytes() - 1L;
        this.noFlush = options.cache().noFlush();
        this.flushes = !noFlush && !options.readOnly();
        this.unmaps = options.discard() == FileOptions.Discard.UNMAP;
    }

    @Override
    public void submit(IoRequest request) {
        int errno = admission.judge(request);
        if (errno != 0) {
            request.complete(errno);
            return;
        }
        if (noFlush) request.denyDurable();
        if (request.durable()) {
            if (file.lostErrno() != 0) {
                request.complete(file.lostErrno());
                return;
            }
            request.onSyncFailure(file.syncFailure());
        }
        switch (request.operation()) {
            case READ, WRITE -> transfer(request);
            case FLUSH -> flush(request);
            case DISCARD -> submitIf(unmaps, request);
            case WRITE_ZEROES -> {
                if (!unmaps) request.denyUnmap();
                engine.submit(fd, request);
            }
            case SECURE_ERASE -> threads.submit(fd, request);
            case LIFETIME -> threads.submit(fd, request.asking(lifetime));
            default -> throw new AssertionError(request.toString());
        }
    }

    private void flush(IoRequest request) {
        int lost = file.lostErrno();
        if (lost != 0) request.complete(lost);
        else submitIf(flushes, request.onSyncFailure(file.syncFailure()));
    }

    @Override
    public void resized() {
        admission = new Admission(file);
    }

    private void transfer(IoRequest request) {
        boolean read = request.operation() == Operation.READ;
        if (cache != null && cache.served(request)) {
            if (read) reads.addCache(request.lengthBytes());
            request.complete(0);
            return;
        }
        if (read) reads.addEngine(request.lengthBytes());
        if (bounce != null && !isAligned(request)) bounce.submit(request);
        else engine.submit(fd, request);
    }

    private boolean isAligned(IoRequest request) {
        // One that takes several calls is cut where a buffer ends, and that must be where a block does.
        boolean cut = request.lengthBytes() > FileIo.CALL_BYTES_MAX;
        return BounceBuffers.isAligned(request.data(), cut ? memoryMask | requestMask : memoryMask);
    }

    /** What needs nothing done succeeds at once. */
    private void submitIf(boolean needed, IoRequest request) {
        if (needed) engine.submit(fd, request);
        else request.complete(0);
    }

    @Override
    public void close() {
        if (bounce != null) bounce.close();
        file.closed(reads);
    }
}
