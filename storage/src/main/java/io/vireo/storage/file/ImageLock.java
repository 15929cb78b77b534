package io.vireo.storage.file;

import io.vireo.posix.Fd;
import io.vireo.posix.OfdLock;
import io.vireo.posix.PosixException;
import io.vireo.storage.file.FileOptions.Locking;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.ImageException.Kind;

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

    /**
     * Takes the locks on a descriptor just opened; they are gone when it is closed.
     *
     * @throws ImageException IN_USE naming who has the image, or LOCK_UNSUPPORTED when there are no locks and
     *     doing without was not allowed
     */
    static void take(Fd fd, FileOptions options) {
        if (options.locking() == Locking.OFF) return;
        try {
            for (Permission permission : Permission.values()) {
                if (permission.usedBy(options.readOnly())) lock(fd, USED_BASE, permission, options);
                if (!permission.shared()) lock(fd, UNSHARED_BASE, permission, options);
            }
            for (Permission permission : Permission.values()) {
                if (permission.usedBy(options.readOnly())) check(fd, UNSHARED_BASE, permission, options);
                if (!permission.shared()) check(fd, USED_BASE, permission, options);
            }
        } catch (PosixException e) {
            if (options.locking() == Locking.AUTO) return;
            throw new ImageException(
                    Kind.LOCK_UNSUPPORTED, options.filename(),
                    "cannot be locked on its file system; locking = off would do", e);
        }
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

    private static void lock(Fd fd, int base, Permission permission, FileOptions options) {
        if (!OfdLock.tryLock(fd, base + permission.ordinal(), 1, false)) throw inUse(fd, permission, "holds", options);
    }

    private static void check(Fd fd, int base, Permission permission, FileOptions options) {
        if (!OfdLock.isHeldByOther(fd, base + permission.ordinal(), 1)) return;
        throw inUse(fd, permission, base == USED_BASE ? "uses" : "does not share", options);
    }

    private static ImageException inUse(Fd fd, Permission permission, String how, FileOptions options) {
        String holder = ImageUsers.describe(fd);
        String what = "is in use by " + holder + ", which " + how + " \"" + permission.words + "\"";
        return new ImageException(Kind.IN_USE, options.filename(), what);
    }
}
