package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.Map;
import java.util.Set;

/**
 * Judges the files in which a front-end shares memory. An IOThread that touches such memory waits for whoever fills the
 * page: of a FUSE file system that is a process of the front-end's choice, of a network's a server, so only what the
 * kernel fills by itself or from a disk of the host is taken.
 */
final class SharedFile {
    /** tmpfs, which memfd and /dev/shm are too, and hugetlbfs. */
    private static final Set<Long> MEMORY = Set.of(PosixFile.TMPFS_MAGIC, PosixFile.HUGETLBFS_MAGIC);
    /** ext2 to ext4, XFS, Btrfs and F2FS: only root mounts them. An overlay may have anything below. */
    private static final Set<Long> LOCAL = Set.of(0xEF53L, 0x5846_5342L, 0x9123_683EL, 0xF2F5_2010L);

    private static final Map<Long, String> NAMES = Map.of(
            0x6573_5546L, "FUSE", 0x6969L, "NFS", 0xFF53_4D42L, "CIFS", 0xFE53_4D42L, "SMB", 0x0102_1997L, "9p",
            0x00C3_6400L, "Ceph", 0x794C_7630L, "overlayfs", 0x6265_6572L, "sysfs", 0x9FA0L, "proc", 0x5345_434DL, "secretmem");

    private SharedFile() {}

    /**
     * The file's status.
     *
     * @param what it is to carry, for the message
     * @throws VhostUserException it is no regular file, or one that somebody else than this host's kernel fills
     */
    static FileStatus accept(String what, Fd file) {
        FileStatus status = PosixFile.status(file);
        if (status.kind() != FileStatus.Kind.REGULAR)
            throw new VhostUserException(Fault.DESCRIPTOR_KIND, what + " in a descriptor of kind " + status.kind());
        long type = PosixFile.fileSystemType(file);
        if (!isFilledHere(type)) {
            throw new VhostUserException(Fault.DESCRIPTOR_KIND, what + " in a file on " + nameOf(type)
                    + ", whose pages may be waited for without end; right would be a memfd, or a file on tmpfs, hugetlbfs,"
                    + " ext4, XFS, Btrfs or F2FS");
        }
        return status;
    }

    static boolean isFilledHere(long fileSystemType) {
        return MEMORY.contains(fileSystemType) || LOCAL.contains(fileSystemType);
    }

    private static String nameOf(long fileSystemType) {
        return NAMES.getOrDefault(fileSystemType, "a file system of type 0x" + Long.toHexString(fileSystemType));
    }
}
