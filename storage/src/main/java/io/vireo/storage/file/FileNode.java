package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.storage.node.OpenImage;

import java.util.Set;

/** Opens regular files: the driver {@code file}. */
public final class FileNode {
    /** EXT2/3/4, XFS, BTRFS, F2FS: those with FALLOC_FL_ZERO_RANGE. There is no way to ask that changes nothing. */
    private static final Set<Long> FILE_SYSTEMS_THAT_ZERO = Set.of(0xEF53L, 0x58465342L, 0x9123683EL, 0xF2F52010L);
    private static final int PAGE_BYTES = 4096;

    private FileNode() {}

    /**
     * Opens and locks the file. Blocks: not for IOThreads.
     *
     * @throws ImageException saying what is wrong with it; nothing stays open then
     */
    public static HostFile open(FileOptions options) {
        return open(options, true);
    }

    /** @param active false: leaves the image to whoever has it until {@link HostFile#activate} */
    public static HostFile open(FileOptions options, boolean active) {
        refuseOthers(options, OpenFile.status(options));
        return of(options, OpenFile.open(options, active), active);
    }

    /**
     * Goes on with a file that another process has opened and locked.
     *
     * @param image its file is owned from here on, also on an exception
     * @throws ImageException it is not what {@link #open(FileOptions)} would have opened
     */
    public static HostFile goOn(FileOptions options, OpenImage image) {
        OpenFile.checkSame(options, image.file());
        // Its locks are those of the open file description: what the one before had, and gives up, this one has.
        return of(options, image.file(), image.active());
    }

    private static HostFile of(FileOptions options, Fd fd, boolean active) {
        try {
            FileStatus status = PosixFile.status(fd);
            long size = OpenFile.checkedSize(options, status.sizeBytes());
            BlockQueue disk = BlockQueue.of(status.device());
            NodeLimits limits = OpenFile.withDirect(options, fd, size, (int) disk.attribute("logical_block_size", 0),
                    disk.memoryAlignmentBytes(), ranges(options, fd, size));
            return new HostFile("file", Extent.FILE, options, fd, active, size, limits);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    private static void refuseOthers(FileOptions options, FileStatus status) {
        String what = switch (status.kind()) {
            case REGULAR -> null;
            case DIRECTORY -> "is a directory";
            case BLOCK -> "is a block device, which driver = host_device serves";
            case SOCKET -> "is a socket";
            case FIFO -> "is a pipe";
            case OTHER -> "is not a regular file";
        };
        if (what != null) throw new ImageException(ImageException.Kind.NOT_A_FILE, options.filename(), what);
    }

    private static NodeLimits ranges(FileOptions options, Fd fd, long sizeBytes) {
        if (options.readOnly()) return NodeLimits.SECTORS;
        boolean punches = punchesHoles(fd, sizeBytes);
        boolean zeroes = FILE_SYSTEMS_THAT_ZERO.contains(PosixFile.fileSystemType(fd));
        boolean discards = punches || options.discard() == FileOptions.Discard.IGNORE;
        RangeLimits any = RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES);
        return NodeLimits.SECTORS.withRanges(
                discards ? any : RangeLimits.UNSUPPORTED,
                zeroes ? any : RangeLimits.UNSUPPORTED,
                zeroes && punches && options.discard() == FileOptions.Discard.UNMAP);
    }

    /** A hole past the end changes nothing, and yet tells. */
    private static boolean punchesHoles(Fd fd, long sizeBytes) {
        long pastEnd = (sizeBytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        int mode = PosixFile.FALLOC_FL_PUNCH_HOLE | PosixFile.FALLOC_FL_KEEP_SIZE;
        return PosixFile.fallocate(fd.number(), mode, pastEnd, PAGE_BYTES) != -Errno.EOPNOTSUPP;
    }
}
