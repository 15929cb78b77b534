package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;

/** An open file or device of the host as a block node; {@link FileNode} and {@link HostDeviceNode} open it. */
public final class HostFile implements BlockNode {
    private final String driver;
    private final FileOptions options;
    private final Fd fd;
    private final long sizeBytes;
    private final NodeLimits limits;
    private final LongSupplier lifetime;
    /** Guarded by this, like {@link #closedReads}: numbers only grow, whatever channels come and go. */
    private final List<ReadBytes> openReads = new ArrayList<>();
    private final ReadBytes closedReads = new ReadBytes();
    private boolean active;

    /**
     * @param fd owned from here on, with the locks that it holds
     * @param active whether it holds them
     */
    HostFile(String driver, FileOptions options, Fd fd, boolean active, long sizeBytes, NodeLimits limits) {
        this(driver, options, fd, active, sizeBytes, limits, null);
    }

    /** @param lifetime looks how worn it is; null when nobody knows */
    HostFile(
            String driver, FileOptions options, Fd fd, boolean active, long sizeBytes, NodeLimits limits,
            LongSupplier lifetime) {
        this.lifetime = lifetime;
        this.driver = driver;
        this.options = options;
        this.fd = fd;
        this.active = active;
        this.sizeBytes = sizeBytes;
        this.limits = limits;
    }

    @Override
    public String nodeName() {
        return options.nodeName();
    }

    @Override
    public String driver() {
        return driver;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean readOnly() {
        return options.readOnly();
    }

    @Override
    public NodeLimits limits() {
        return limits;
    }

    /** How it was opened, for those who show it. */
    public FileOptions options() {
        return options;
    }

    @Override
    public NodeChannel open(IoContext context) {
        ReadBytes reads = new ReadBytes();
        synchronized (this) {
            openReads.add(reads);
        }
        return new FileChannel(this, fd, context, reads);
    }

    LongSupplier lifetime() {
        return lifetime;
    }

    /** A channel is closed. */
    synchronized void closed(ReadBytes reads) {
        if (openReads.remove(reads)) closedReads.add(reads);
    }

    /** Bytes of reads that the page cache answered at once, on the IOThread. */
    public long cacheReadBytes() {
        return sum(ReadBytes::cache);
    }

    /** Bytes of reads handed to the engine: past the cache, not found in it, or too long to be looked for there. */
    public long engineReadBytes() {
        return sum(ReadBytes::engine);
    }

    private synchronized long sum(ToLongFunction<ReadBytes> source) {
        return source.applyAsLong(closedReads) + openReads.stream().mapToLong(source).sum();
    }

    @Override
    public synchronized void activate() {
        if (active) return;
        try {
            ImageLock.take(fd, options);
        } catch (ImageException e) {
            ImageLock.release(fd, options);
            throw e;
        }
        active = true;
    }

    @Override
    public synchronized void inactivate() {
        if (!active) return;
        int errno = options.readOnly() || options.cache().noFlush() ? 0 : -PosixFile.datasync(fd.number());
        if (errno != 0) {
            throw new ImageException(ImageException.Kind.IO, options.filename(),
                    "cannot be made durable: " + Errno.describe(errno), null);
        }
        ImageLock.release(fd, options);
        active = false;
    }

    @Override
    public void close() {
        fd.close();
    }
}
