package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixException;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.ImageException.Kind;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.OpenImage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;

/** An open file or device of the host as a block node; {@link FileNode} and {@link HostDeviceNode} open it. */
public final class HostFile implements BlockNode {
    private final String driver;
    private final FileOptions options;
    private final Fd fd;
    private final Extent extent;
    private volatile long sizeBytes;
    private final NodeLimits limits;
    private final LongSupplier lifetime;
    /** Guarded by this, like {@link #closedReads}: numbers only grow, whatever channels come and go. */
    private final List<ReadBytes> openReads = new ArrayList<>();
    private final ReadBytes closedReads = new ReadBytes();
    private volatile int lostErrno;
    private final IntConsumer syncFailure = this::lost;
    private boolean active;

    /**
     * @param fd owned from here on, with the locks that it holds
     * @param active whether it holds them
     */
    HostFile(String driver, Extent extent, FileOptions options, Fd fd, boolean active, long sizeBytes, NodeLimits limits) {
        this(driver, extent, options, fd, active, sizeBytes, limits, null);
    }

    /** @param lifetime looks how worn it is; null when nobody knows */
    HostFile(
            String driver, Extent extent, FileOptions options, Fd fd, boolean active, long sizeBytes, NodeLimits limits,
            LongSupplier lifetime) {
        this.lifetime = lifetime;
        this.driver = driver;
        this.extent = extent;
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

    /** Whether nothing keeps another process off it, though it was to be locked: its file system has no locks. */
    public boolean isUnguarded() {
        return options.locking() == FileOptions.Locking.AUTO && !ImageLock.isPossible(fd);
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

    /**
     * Not 0 once the kernel could not write what it had taken. It says so once, to whoever asks first, and forgets the
     * data: whatever is to be durable fails from then on, for as long as the file is open.
     */
    int lostErrno() {
        return lostErrno;
    }

    /** Past the page cache nothing was taken that could be lost. */
    private void lost(int errno) {
        if (!options.cache().direct()) lostErrno = errno;
    }

    IntConsumer syncFailure() {
        return syncFailure;
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
    public synchronized void resize(OptionalLong wanted, boolean mayShrink) {
        String path = options.filename();
        try {
            long there = extent.sizeBytes(fd);
            long next = wanted.orElse(there);
            int unit = limits.requestAlignmentBytes();
            if (next <= 0 || next % unit != 0) {
                throw new ImageException(Kind.NOT_SECTORS, path, "size " + next + " is not a positive multiple of " + unit);
            }
            if (next < sizeBytes && !mayShrink) {
                throw new ImageException(Kind.WOULD_SHRINK, path,
                        "size " + next + " is less than " + sizeBytes + ": what lies behind it would be lost");
            }
            boolean cuts = next < sizeBytes && next < there;
            if (extent == Extent.DEVICE && next > there) {
                throw new ImageException(Kind.OUT_OF_RANGE, path, "the device has only " + there + " bytes");
            }
            if (extent == Extent.FILE && (next > there || cuts)) {
                if (!active) throw new ImageException(Kind.IN_USE, path, "is another process's for now, and has " + there + " bytes");
                if (options.readOnly()) throw new ImageException(Kind.PERMISSION, path, "is open read-only, and has " + there + " bytes");
                PosixFile.truncate(fd, next);
            }
            sizeBytes = next;
        } catch (PosixException e) {
            throw new ImageException(Kind.IO, path, "cannot be resized: " + Errno.describe(e.errno()), e);
        }
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
        if (errno != 0) syncFailure.accept(errno);
        else errno = lostErrno;
        if (errno != 0) {
            throw new ImageException(ImageException.Kind.IO, options.filename(),
                    "cannot be made durable: " + Errno.describe(errno), null);
        }
        ImageLock.release(fd, options);
        active = false;
    }

    @Override
    public synchronized Optional<OpenImage> handOn() {
        if (lostErrno != 0) {
            // Who goes on would not know, and call the next flush a success.
            throw new ImageException(Kind.NOT_HANDED_ON, options.filename(),
                    "has lost what was written to it: " + Errno.describe(lostErrno));
        }
        return Optional.of(new OpenImage(fd, active));
    }

    @Override
    public void close() {
        fd.close();
    }
}
