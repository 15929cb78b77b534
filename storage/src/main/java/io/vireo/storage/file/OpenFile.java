package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixException;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.ImageException.Kind;
import io.vireo.storage.node.NodeLimits;

/** The steps of opening that files and devices share; each says in an operator's words why it failed. */
final class OpenFile {
    private OpenFile() {}

    static FileStatus status(FileOptions options) {
        String path = options.filename();
        try {
            return PosixFile.status(path);
        } catch (PosixException e) {
            throw switch (e.errno()) {
                case Errno.ENOENT, Errno.ENOTDIR -> new ImageException(Kind.MISSING, path, "does not exist", e);
                case Errno.EACCES ->
                    new ImageException(Kind.PERMISSION, path, "a folder above it may not be entered", e);
                default -> new ImageException(Kind.IO, path, "cannot be looked at: " + Errno.describe(e.errno()), e);
            };
        }
    }

    /** Opens as the options say, and locks if {@code active}. */
    static Fd open(FileOptions options, boolean active) {
        Fd fd = open(options);
        try {
            if (active) ImageLock.take(fd, options);
            return fd;
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    private static Fd open(FileOptions options) {
        String path = options.filename();
        boolean direct = options.cache().direct();
        if (options.aio() == AioMode.NATIVE && !direct) {
            throw new ImageException(Kind.DIRECT_REQUIRED, path, "aio = native needs cache.direct = on");
        }
        int flags = (options.readOnly() ? PosixFile.O_RDONLY : PosixFile.O_RDWR) | (direct ? PosixFile.O_DIRECT : 0);
        try {
            return PosixFile.open(path, flags, 0);
        } catch (PosixException e) {
            throw refused(options, e);
        }
    }

    /**
     * Whether an open file is what {@link #open} would answer.
     *
     * @throws ImageException what is different; {@code fd} is closed then
     */
    static void checkSame(FileOptions options, Fd fd) {
        String path = options.filename();
        try {
            if (!status(options).sameFile(PosixFile.status(fd)))
                throw new ImageException(Kind.NOT_HANDED_ON, path, "is another file than the one that is served");
            int flags = PosixFile.flags(fd);
            boolean writes = (flags & PosixFile.O_RDWR) != 0;
            if (writes == options.readOnly())
                throw new ImageException(Kind.NOT_HANDED_ON, path, "is served with read-only = " + (writes ? "off" : "on"));
            boolean direct = (flags & PosixFile.O_DIRECT) != 0;
            if (direct != options.cache().direct())
                throw new ImageException(Kind.NOT_HANDED_ON, path, "is served with cache.direct = " + (direct ? "on" : "off"));
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    private static ImageException refused(FileOptions options, PosixException e) {
        String path = options.filename();
        String how = options.readOnly() ? "read" : "read and written";
        String hint = options.readOnly() ? "" : "; read-only = on would need less";
        return switch (e.errno()) {
            case Errno.EACCES, Errno.EPERM ->
                new ImageException(Kind.PERMISSION, path, "may not be " + how + " by this user" + hint, e);
            case Errno.EROFS -> new ImageException(Kind.PERMISSION, path, "lies on a read-only file system" + hint, e);
            case Errno.ENOENT -> new ImageException(Kind.MISSING, path, "does not exist", e);
            case Errno.EBUSY -> new ImageException(Kind.IN_USE, path, "is in use by the kernel (mounted?)", e);
            case Errno.EINVAL -> options.cache().direct()
                    ? directUnsupported(path, e)
                    : new ImageException(Kind.IO, path, "cannot be opened: " + Errno.describe(e.errno()), e);
            default -> new ImageException(Kind.IO, path, "cannot be opened: " + Errno.describe(e.errno()), e);
        };
    }

    private static ImageException directUnsupported(String path, PosixException cause) {
        return new ImageException(
                Kind.DIRECT_UNSUPPORTED, path, "its file system has no O_DIRECT; cache.direct = off would do", cause);
    }

    static long checkedSize(FileOptions options, long sizeBytes) {
        String path = options.filename();
        if (sizeBytes == 0) throw new ImageException(Kind.EMPTY, path, "is empty");
        if (sizeBytes % NodeLimits.SECTOR_BYTES != 0) {
            throw new ImageException(
                    Kind.NOT_SECTORS, path, "its size, " + sizeBytes + " bytes, is not a multiple of 512");
        }
        return sizeBytes;
    }

    /** The limits with what O_DIRECT asks; as they were when the cache is used. */
    static NodeLimits withDirect(
            FileOptions options, Fd fd, long sizeBytes, int diskBlockBytes, int diskMemoryBytes, NodeLimits limits) {
        if (!options.cache().direct()) return limits;
        String path = options.filename();
        DirectAlignment alignment = DirectAlignment.probe(fd, diskBlockBytes, diskMemoryBytes);
        if (alignment == null) throw directUnsupported(path, null);
        if (sizeBytes % alignment.requestBytes() != 0) {
            throw new ImageException(
                    Kind.NOT_SECTORS, path, "its size, " + sizeBytes + " bytes, is not a multiple of "
                            + alignment.requestBytes() + ", the disk's block, as cache.direct = on needs");
        }
        return limits.withAlignment(alignment.requestBytes(), alignment.memoryBytes());
    }
}
