package io.vireo.storage.file;

import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;

/** How much of a host file or device there is, and whether that is ours to change. */
enum Extent {
    FILE {
        @Override
        long sizeBytes(Fd fd) {
            return PosixFile.status(fd).sizeBytes();
        }
    },
    /** Made larger or smaller by whoever owns the device. */
    DEVICE {
        @Override
        long sizeBytes(Fd fd) {
            return PosixFile.geometry(fd).sizeBytes();
        }
    };

    abstract long sizeBytes(Fd fd);
}
