package io.vireo.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import jnr.constants.platform.Fcntl;
import jnr.posix.FileStat;

/**
 * Files and block devices. Calls that open, inspect and resize throw {@link PosixException}; those that move data answer
 * a negative errno instead, since there it is an outcome. All of them may block.
 */
public final class PosixFile {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_TRUNC = 0x200;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DSYNC = 0x1000;
    /** The one flag here whose value differs between the processors Linux runs on. */
    public static final int O_DIRECT = Machine.AARCH64 ? 0x10000 : 0x4000;
    public static final int O_CLOEXEC = 0x80000;

    /** For {@link #pwritev}: the data is durable when it returns. */
    public static final int RWF_DSYNC = 2;
    /** For {@link #preadv} and {@link #pwritev}: EAGAIN rather than wait for the disk. */
    public static final int RWF_NOWAIT = 8;

    public static final int FALLOC_FL_KEEP_SIZE = 1;
    public static final int FALLOC_FL_PUNCH_HOLE = 2;
    public static final int FALLOC_FL_ZERO_RANGE = 16;

    public static final long TMPFS_MAGIC = 0x01021994L;
    public static final long HUGETLBFS_MAGIC = 0x958458F6L;

    private static final MethodHandle PREADV2 = Libc.link(
            "preadv2", Libc.LONG, Libc.INT, Libc.LONG, Libc.INT, Libc.LONG, Libc.INT);
    private static final MethodHandle PWRITEV2 = Libc.link(
            "pwritev2", Libc.LONG, Libc.INT, Libc.LONG, Libc.INT, Libc.LONG, Libc.INT);
    private static final MethodHandle FALLOCATE =
            Libc.link("fallocate", Libc.INT, Libc.INT, Libc.INT, Libc.LONG, Libc.LONG);
    private static final MethodHandle IOCTL =
            Libc.linkVariadic("ioctl", 2, Libc.INT, Libc.INT, Libc.LONG, Libc.LONG);
    private static final MethodHandle FSTATFS = Libc.link("fstatfs", Libc.INT, Libc.INT, Libc.LONG);

    private static final long BLKGETSIZE64 = 0x80081272L;
    private static final long BLKSSZGET = 0x1268;
    private static final long BLKPBSZGET = 0x127B;
    private static final long BLKSECDISCARD = 0x127D;
    private static final long BLKIOMIN = 0x1278;
    private static final long BLKIOOPT = 0x1279;

    private PosixFile() {}

    /**
     * Opens a file, always close-on-exec.
     *
     * @param mode permissions of a file that O_CREAT makes, before the umask
     */
    public static Fd open(String path, int flags, int mode) {
        return Fd.owning(Jnr.check("open", path, Jnr.POSIX.open(path, flags | O_CLOEXEC, mode)));
    }

    public static FileStatus status(Fd fd) {
        FileStat stat = Jnr.POSIX.allocateStat();
        Jnr.check("fstat", fd.toString(), Jnr.POSIX.fstat(fd.number(), stat));
        return FileStatus.of(stat);
    }

    /** Of what the path leads to: symbolic links are followed. */
    public static FileStatus status(String path) {
        FileStat stat = Jnr.POSIX.allocateStat();
        Jnr.check("stat", path, Jnr.POSIX.stat(path, stat));
        return FileStatus.of(stat);
    }

    public static void truncate(Fd fd, long sizeBytes) {
        Jnr.check("ftruncate", fd + " to " + sizeBytes, Jnr.POSIX.ftruncate(fd.number(), sizeBytes));
    }

    public static void datasync(Fd fd) {
        Jnr.check("fdatasync", fd.toString(), Jnr.POSIX.fdatasync(fd.number()));
    }

    /** fdatasync(2) by number, for where an error is an outcome: 0 or -errno. */
    public static int datasync(int fd) {
        return Jnr.POSIX.fdatasync(fd) < 0 ? -Jnr.POSIX.errno() : 0;
    }

    /** One write(2) at the descriptor's position, as to a pipe: how many bytes were written, or -errno. */
    public static int write(Fd fd, byte[] bytes) {
        int count = Jnr.POSIX.write(fd.number(), bytes, bytes.length);
        return count < 0 ? -Jnr.POSIX.errno() : count;
    }

    /** One read(2): how many bytes there were, 0 at the end, or -errno. */
    public static int read(Fd fd, byte[] bytes) {
        int count = Jnr.POSIX.read(fd.number(), bytes, bytes.length);
        return count < 0 ? -Jnr.POSIX.errno() : count;
    }

    /** Of the open file description, which whoever has another descriptor of it can change back. */
    public static void setNonBlocking(Fd fd) {
        setFlags(fd, flags(fd) | O_NONBLOCK);
    }

    public static void setBlocking(Fd fd) {
        setFlags(fd, flags(fd) & ~O_NONBLOCK);
    }

    /** Of the open file description: those that it was opened with, and those that were set. */
    public static int flags(Fd fd) {
        return Jnr.check("fcntl(F_GETFL)", fd.toString(), Jnr.POSIX.fcntl(fd.number(), Fcntl.F_GETFL));
    }

    private static void setFlags(Fd fd, int flags) {
        Jnr.check("fcntl(F_SETFL)", fd.toString(), Jnr.POSIX.fcntlInt(fd.number(), Fcntl.F_SETFL, flags));
    }

    /** Follows symbolic links, as chmod(2) does. */
    public static void chmod(String path, int mode) {
        Jnr.check("chmod", path, Jnr.POSIX.chmod(path, mode));
    }

    /** Changes owner and group; -1 leaves one as it is. */
    public static void chown(String path, int uid, int gid) {
        Jnr.check("chown", path, Jnr.POSIX.chown(path, uid, gid));
    }

    /**
     * Reads into the buffers of an iovec array, in order.
     *
     * @param iov address of {@code count} entries as {@link IoVec} keeps them
     * @param rwFlags 0 or RWF_NOWAIT
     * @return bytes read, less than asked at the end of the file, or -errno
     */
    public static long preadv(int fd, long iov, int count, long offset, int rwFlags) {
        try {
            long read = (long) PREADV2.invokeExact(Libc.errnoSegment(), fd, iov, count, offset, rwFlags);
            return read < 0 ? -Libc.errno() : read;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    public static long preadv(Fd fd, long iov, int count, long offset, int rwFlags) {
        return preadv(fd.number(), iov, count, offset, rwFlags);
    }

    /** As {@link #preadv(int, long, int, long, int)}, the other way; {@code rwFlags} may also have RWF_DSYNC. */
    public static long pwritev(int fd, long iov, int count, long offset, int rwFlags) {
        try {
            long written = (long) PWRITEV2.invokeExact(Libc.errnoSegment(), fd, iov, count, offset, rwFlags);
            return written < 0 ? -Libc.errno() : written;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    public static long pwritev(Fd fd, long iov, int count, long offset, int rwFlags) {
        return pwritev(fd.number(), iov, count, offset, rwFlags);
    }

    /** fallocate(2): 0 or -errno, EOPNOTSUPP where the file system cannot. */
    public static int fallocate(int fd, int mode, long offset, long lengthBytes) {
        try {
            int result = (int) FALLOCATE.invokeExact(Libc.errnoSegment(), fd, mode, offset, lengthBytes);
            return result < 0 ? -Libc.errno() : 0;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    /** @throws PosixException ENOTTY: not a block device */
    public static BlockDeviceGeometry geometry(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(8, 8);
            ioctl(fd, "BLKGETSIZE64", BLKGETSIZE64, answer);
            long sizeBytes = answer.get(Libc.LONG, 0);
            return new BlockDeviceGeometry(
                    sizeBytes,
                    ioctl(fd, "BLKSSZGET", BLKSSZGET, answer),
                    ioctl(fd, "BLKPBSZGET", BLKPBSZGET, answer),
                    ioctl(fd, "BLKIOMIN", BLKIOMIN, answer),
                    ioctl(fd, "BLKIOOPT", BLKIOOPT, answer));
        }
    }

    /**
     * Erases a range of a block device for good (BLKSECDISCARD); 0 or -errno. Blocks. Never run by a test: no device
     * without flash of its own has it.
     */
    public static int secureErase(int fd, long offsetBytes, long lengthBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment range = arena.allocate(16, 8);
            range.set(Libc.LONG, 0, offsetBytes);
            range.set(Libc.LONG, 8, lengthBytes);
            int result = (int) IOCTL.invokeExact(Libc.errnoSegment(), fd, BLKSECDISCARD, range.address());
            return result < 0 ? -Libc.errno() : 0;
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    /** Whether {@link #secureErase} is possible: a range that is no whole sector is wrong only where another is not. */
    public static boolean canSecureErase(Fd fd) {
        return secureErase(fd.number(), 1, 1) == -Errno.EINVAL;
    }

    /** The file system's magic number, as TMPFS_MAGIC. */
    public static long fileSystemType(Fd fd) {
        return statfs(fd)[0];
    }

    /** The unit in which a mapping of this file comes and goes: a huge page on hugetlbfs. */
    static long mappingUnitBytes(Fd fd) {
        long[] typeAndBlock = statfs(fd);
        return typeAndBlock[0] == HUGETLBFS_MAGIC ? typeAndBlock[1] : Machine.PAGE_BYTES;
    }

    /** struct statfs begins with two words on 64-bit Linux: f_type and f_bsize. */
    private static long[] statfs(Fd fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment answer = arena.allocate(120, 8);
            Libc.check("fstatfs", fd.toString(),
                    (int) FSTATFS.invokeExact(Libc.errnoSegment(), fd.number(), answer.address()));
            return new long[] {answer.get(Libc.LONG, 0) & 0xFFFFFFFFL, answer.get(Libc.LONG, 8)};
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    private static int ioctl(Fd fd, String name, long request, MemorySegment answer) {
        try {
            Libc.check("ioctl(" + name + ")", fd.toString(),
                    (int) IOCTL.invokeExact(Libc.errnoSegment(), fd.number(), request, answer.address()));
            return answer.get(Libc.INT, 0);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
