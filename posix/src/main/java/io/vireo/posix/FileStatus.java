package io.vireo.posix;

import jnr.posix.FileStat;

/**
 * What stat(2) says about a file. {@code device} and {@code inode} together identify it; {@code sizeBytes} is 0 for a
 * block device, whose size {@link PosixFile#geometry} knows.
 *
 * @param mode permission bits, without the file type
 * @param blockSizeBytes the file system's preferred unit of I/O
 * @param allocatedBytes what the file occupies
 */
public record FileStatus(
        Kind kind,
        long sizeBytes,
        long device,
        long inode,
        int mode,
        int uid,
        int gid,
        long blockSizeBytes,
        long allocatedBytes) {

    public enum Kind { REGULAR, BLOCK, SOCKET, FIFO, DIRECTORY, OTHER }

    private static final int PERMISSION_BITS = 0xFFF;
    private static final long STAT_BLOCK_BYTES = 512;

    static FileStatus of(FileStat stat) {
        return new FileStatus(
                kind(stat),
                stat.st_size(),
                stat.dev(),
                stat.ino(),
                stat.mode() & PERMISSION_BITS,
                stat.uid(),
                stat.gid(),
                stat.blockSize(),
                stat.blocks() * STAT_BLOCK_BYTES);
    }

    private static Kind kind(FileStat stat) {
        return switch (stat.mode() & FileStat.S_IFMT) {
            case FileStat.S_IFREG -> Kind.REGULAR;
            case FileStat.S_IFBLK -> Kind.BLOCK;
            case FileStat.S_IFSOCK -> Kind.SOCKET;
            case FileStat.S_IFIFO -> Kind.FIFO;
            case FileStat.S_IFDIR -> Kind.DIRECTORY;
            default -> Kind.OTHER;
        };
    }

    /** The same file, whatever name led to it. */
    public boolean sameFile(FileStatus other) {
        return device == other.device && inode == other.inode;
    }
}
