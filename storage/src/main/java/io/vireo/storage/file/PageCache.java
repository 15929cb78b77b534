package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.Operation;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * What the host's page cache does at once, done at once on the IOThread: reads of what is in it, and writes of whole
 * pages, which only copy: no ring and no hand-over to a thread stands between.
 *
 * <p>A read can be told not to wait (RWF_NOWAIT); a cache that has just refused is left alone for a while, longer each
 * time, since every refusal costs a system call. A buffered write cannot be told so: it waits when the host has more dirty
 * pages than it wants, or somebody punches a hole in the same file. One that took long sends those after it to the
 * engine for a while. docs/adr/0010 has the measurements. Thread: the IOThread; a request that is not served is as it was.
 */
final class PageCache {
    /** Longer ones would keep the neighbours waiting, and gain little. */
    static final int REQUEST_BYTES_MAX = 64 << 10;
    private static final long TMPFS_MAGIC = 0x01021994L;
    /** ext4, XFS, Btrfs and F2FS: a write of whole pages is a copy. FUSE, NFS and the like may ask a server first. */
    private static final Set<Long> COPYING = Set.of(0xEF53L, 0x5846_5342L, 0x9123_683EL, 0xF2F5_2010L);
    private static final int RWF_NOWAIT = 8;
    private static final int PAUSE_MAX = 256;
    private static final int PAGE_BYTES = 4096;
    /** A copy of the longest request takes a twentieth of it. */
    static final long SLOW_NANOS = 500_000;
    static final int WRITE_PAUSE_MIN = 64;
    static final int WRITE_PAUSE_MAX = 16_384;
    /** After so many quick writes a pause is about a third of what it was. */
    private static final int QUICK_FORGIVES = 256;

    private final int fd;
    private final boolean memoryOnly;
    private final boolean writesCopy;
    private final LongSupplier nanoTime;
    private int pause;
    private int toPass;
    private int writePause;
    private int writesToPass;

    PageCache(Fd fd, LongSupplier nanoTime) {
        this.fd = fd.number();
        this.nanoTime = nanoTime;
        // A device is none of its file system's, which for those in /dev says that it is a tmpfs.
        long type = PosixFile.status(fd).kind() == FileStatus.Kind.REGULAR ? PosixFile.fileSystemType(fd) : 0;
        // There RWF_NOWAIT is not known, and not needed: short of swapping nothing waits.
        memoryOnly = type == TMPFS_MAGIC;
        writesCopy = COPYING.contains(type);
    }

    /** True when the request was done; it is then not completed yet. */
    boolean served(IoRequest request) {
        if (request.lengthBytes() > REQUEST_BYTES_MAX || request.data().count() > FileIo.IOV_COUNT_MAX) return false;
        if (request.operation() == Operation.WRITE) return memoryOnly ? write(request) : writeAtOnce(request);
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

    /** Parts of pages may have to be read first, and what shall be durable waits for the disk. */
    private boolean writeAtOnce(IoRequest request) {
        if (!writesCopy || request.durable() || ((request.nodeOffsetBytes() | request.lengthBytes()) & PAGE_BYTES - 1) != 0) return false;
        if (writesToPass > 0) {
            writesToPass--;
            return false;
        }
        long start = nanoTime.getAsLong();
        boolean written = write(request);
        if (nanoTime.getAsLong() - start > SLOW_NANOS) {
            writePause = Math.min(WRITE_PAUSE_MAX, writePause * 2 + WRITE_PAUSE_MIN);
            writesToPass = writePause;
        } else {
            writePause -= (writePause + QUICK_FORGIVES - 1) / QUICK_FORGIVES;
        }
        return written;
    }

    /** A write that moved a part is done once more, whole, by whoever does it then. */
    private boolean write(IoRequest request) {
        long address = request.data().address();
        return PosixFile.pwritev(fd, address, request.data().count(), request.nodeOffsetBytes(), 0) == request.lengthBytes();
    }
}
