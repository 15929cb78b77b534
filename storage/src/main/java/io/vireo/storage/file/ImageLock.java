package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.OfdLock;
import io.vireo.posix.PosixException;
import io.vireo.storage.file.FileOptions.Locking;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.ImageException.Kind;
import java.util.concurrent.locks.LockSupport;

/**
 * The locks by which QEMU's processes, and we, keep off each other's images.
 *
 * <p>Each permission has two bytes in the file. A user holds a shared lock on byte 100 + i while it uses permission i,
 * and on byte 200 + i while it does not let others use it. After taking its own, it looks whether anybody else holds
 * the opposite byte of one of them. All locks are shared ones: what conflicts is their presence.
 */
final class ImageLock {
    private static final int USED_BASE = 100;
    private static final int UNSHARED_BASE = 200;
    /** Two seconds' worth: a disk that has not answered a dead process's requests by then is another problem. */
    private static final int LOOKS_MAX = 200;
    private static final long LOOK_NANOS = 10_000_000;

    /** In the order of their bits in QEMU's block layer. */
    enum Permission {
        CONSISTENT_READ("consistent read"),
        WRITE("write"),
        WRITE_UNCHANGED("write unchanged"),
        RESIZE("resize");

        private final String words;

        Permission(String words) {
            this.words = words;
        }

        private boolean usedBy(boolean readOnly) {
            return this == CONSISTENT_READ || this == WRITE && !readOnly;
        }

        /** A guest's disk changes under nobody's hands but the guest's, and its size is fixed while it is open. */
        private boolean shared() {
            return this == CONSISTENT_READ || this == WRITE_UNCHANGED;
        }
    }

    private ImageLock() {}

    /** What somebody else does to a permission that stands in the way, as in "uses". */
    private record Conflict(Permission permission, String how) {}

    /**
     * Takes the locks on a descriptor just opened; they are gone when it is closed. If nobody is to be seen who has them,
     * it may be what a process that was killed had in flight: waits a moment for that.
     *
     * @throws ImageException IN_USE naming who has the image, or LOCK_UNSUPPORTED when there are no locks and
     *     doing without was not allowed
     */
    static void take(Fd fd, FileOptions options) {
        if (options.locking() == Locking.OFF) return;
        try {
            Conflict conflict = tryTake(fd, options);
            for (int looks = 1; conflict != null; looks++) {
                ImageUsers users = ImageUsers.of(fd);
                if (users.areSeen() || looks == LOOKS_MAX) {
                    throw new ImageException(Kind.IN_USE, options.filename(), "is in use by " + users.words() + ", which "
                            + conflict.how + " \"" + conflict.permission.words + "\"");
                }
                LockSupport.parkNanos(LOOK_NANOS);
                conflict = tryTake(fd, options);
            }
        } catch (PosixException e) {
            if (options.locking() == Locking.AUTO && hasNone(e.errno())) return;
            throw new ImageException(
                    Kind.LOCK_UNSUPPORTED, options.filename(),
                    "cannot be locked on its file system; locking = off would do", e);
        }
    }

    /** Whether the file's file system has locks. */
    static boolean isPossible(Fd fd) {
        try {
            isHeld(fd, USED_BASE, Permission.WRITE);
            return true;
        } catch (PosixException e) {
            return !hasNone(e.errno());
        }
    }

    /** Whether that is how a kernel or a file system says that it has no such locks; anything else may be over in a moment. */
    private static boolean hasNone(int errno) {
        return errno == Errno.EINVAL || errno == Errno.ENOSYS || errno == Errno.EOPNOTSUPP || errno == Errno.ENOLCK;
    }

    /** Null when they are taken; those that could be are held in any case. */
    private static Conflict tryTake(Fd fd, FileOptions options) {
        for (Permission permission : Permission.values()) {
            if (permission.usedBy(options.readOnly()) && !lock(fd, USED_BASE, permission)
                    || !permission.shared() && !lock(fd, UNSHARED_BASE, permission)) return new Conflict(permission, "holds");
        }
        for (Permission permission : Permission.values()) {
            if (permission.usedBy(options.readOnly()) && isHeld(fd, UNSHARED_BASE, permission)) {
                return new Conflict(permission, "does not share");
            }
            if (!permission.shared() && isHeld(fd, USED_BASE, permission)) return new Conflict(permission, "uses");
        }
        return null;
    }

    /** Gives up what {@link #take} took; the descriptor stays open. */
    static void release(Fd fd, FileOptions options) {
        if (options.locking() == Locking.OFF) return;
        try {
            OfdLock.unlock(fd, USED_BASE, Permission.values().length);
            OfdLock.unlock(fd, UNSHARED_BASE, Permission.values().length);
        } catch (PosixException e) {
            // No locks on this file system: take did without, or was refused.
        }
    }

    private static boolean lock(Fd fd, int base, Permission permission) {
        return OfdLock.tryLock(fd, base + permission.ordinal(), 1, false);
    }

    private static boolean isHeld(Fd fd, int base, Permission permission) {
        return OfdLock.isHeldByOther(fd, base + permission.ordinal(), 1);
    }
}
