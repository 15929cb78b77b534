package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;

/** An open file or device of the host as a block node; {@link FileNode} and {@link HostDeviceNode} open it. */
public final class HostFile implements BlockNode {
    private final String driver;
    private final FileOptions options;
    private final Fd fd;
    private final long sizeBytes;
    private final NodeLimits limits;
    private boolean active;

    /**
     * @param fd owned from here on, with the locks that it holds
     * @param active whether it holds them
     */
    HostFile(String driver, FileOptions options, Fd fd, boolean active, long sizeBytes, NodeLimits limits) {
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
        return new FileChannel(this, fd, context.engine(options.aio(), options.cache().direct()));
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
