package io.vireo.storage.file;

import io.vireo.posix.PosixFile;

/** The blocking calls on an open file that {@link ThreadsEngine} makes; each answers what C does, or -errno. */
interface FileCalls {
    FileCalls SYSTEM = new FileCalls() {
        @Override
        public long preadv(int fd, long iov, int count, long offsetBytes) {
            return PosixFile.preadv(fd, iov, count, offsetBytes, 0);
        }

        @Override
        public long pwritev(int fd, long iov, int count, long offsetBytes, int rwFlags) {
            return PosixFile.pwritev(fd, iov, count, offsetBytes, rwFlags);
        }

        @Override
        public int datasync(int fd) {
            return PosixFile.datasync(fd);
        }

        @Override
        public int fallocate(int fd, int mode, long offsetBytes, long lengthBytes) {
            return PosixFile.fallocate(fd, mode, offsetBytes, lengthBytes);
        }

        @Override
        public int secureErase(int fd, long offsetBytes, long lengthBytes) {
            return PosixFile.secureErase(fd, offsetBytes, lengthBytes);
        }
    };

    long preadv(int fd, long iov, int count, long offsetBytes);

    long pwritev(int fd, long iov, int count, long offsetBytes, int rwFlags);

    int datasync(int fd);

    int fallocate(int fd, int mode, long offsetBytes, long lengthBytes);

    int secureErase(int fd, long offsetBytes, long lengthBytes);
}
