package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.Operation;

/**
 * What the host's page cache does at once, done at once on the IOThread: reads of what is in it, and on tmpfs, where
 * there is nothing else, writes too: no ring and no hand-over to a thread stands between.
 *
 * <p>A cache that has just refused is left alone for a while, longer each time, since every refusal costs a system call.
 * Thread: the IOThread; a request that is not served is as it was.
 */
final class PageCache {
    /** Longer ones would keep the neighbours waiting, and gain little. */
    static final int REQUEST_BYTES_MAX = 64 << 10;
    private static final long TMPFS_MAGIC = 0x01021994L;
    private static final int RWF_NOWAIT = 8;
    private static final int PAUSE_MAX = 256;

    private final int fd;
    private final boolean memoryOnly;
    private int pause;
    private int toPass;

    PageCache(Fd fd) {
        this.fd = fd.number();
        // There RWF_NOWAIT is not known, and not needed: short of swapping nothing waits.
        memoryOnly = PosixFile.fileSystemType(fd) == TMPFS_MAGIC;
    }

    /** True when the request was done; it is then not completed yet. */
    boolean served(IoRequest request) {
        if (request.lengthBytes() > REQUEST_BYTES_MAX || request.data().count() > FileIo.IOV_COUNT_MAX) return false;
        if (request.operation() == Operation.WRITE) return memoryOnly && write(request) == request.lengthBytes();
        if (toPass > 0) {
            toPass--;
            return false;
        }
        long read = read(request);
        if (read == request.lengthBytes()) {
            pause = 0;
            return true;
        }
        if (read == -Errno.EOPNOTSUPP) pause = Integer.MAX_VALUE;
        else pause = Math.min(PAUSE_MAX, pause * 2 + 1);
        toPass = pause;
        return false;
    }

    private long read(IoRequest request) {
        return PosixFile.preadv(fd, request.data().address(), request.data().count(), request.nodeOffsetBytes(),
                memoryOnly ? 0 : RWF_NOWAIT);
    }

    private long write(IoRequest request) {
        return PosixFile.pwritev(fd, request.data().address(), request.data().count(), request.nodeOffsetBytes(), 0);
    }
}
