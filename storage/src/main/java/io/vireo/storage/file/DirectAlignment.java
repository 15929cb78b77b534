package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.IoVec;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixFile;

/**
 * What O_DIRECT asks of a file: of offsets and lengths, and of buffers. Found by trying, since file systems differ and
 * few say; a file whose start is a hole answers for the file system, not for the disk below, hence the floor.
 */
record DirectAlignment(int requestBytes, int memoryBytes) {
    private static final int LEAST_BYTES = 512;
    private static final int MOST_BYTES = 4096;
    /** Offset 512 in a buffer aligned to 4096 tells one alignment from the next; twice that leaves room behind. */
    private static final int BUFFER_BYTES = 2 * MOST_BYTES;

    /**
     * Reads the file's start with ever larger units until one is taken; blocks.
     *
     * @param floorBytes logical block size of the disk below, as far as known
     * @param memoryFloorBytes what the disk below asks of buffers, as far as known
     * @return null when no direct read succeeds
     */
    static DirectAlignment probe(Fd fd, int floorBytes, int memoryFloorBytes) {
        try (NativeBlock buffer = NativeBlock.allocate(BUFFER_BYTES, MOST_BYTES);
                NativeBlock entry = NativeBlock.allocate(IoVec.ENTRY_BYTES, 8);
                IoVec iov = new IoVec(entry.address(), 1, 1)) {
            int request = Math.max(LEAST_BYTES, floorBytes);
            while (request <= MOST_BYTES && !reads(fd, iov, buffer.address(), request)) request *= 2;
            if (request > MOST_BYTES) return null;
            int memory = Math.clamp(memoryFloorBytes, LEAST_BYTES, MOST_BYTES);
            while (memory < MOST_BYTES && !reads(fd, iov, buffer.address() + memory, MOST_BYTES)) memory *= 2;
            return new DirectAlignment(request, memory);
        }
    }

    private static boolean reads(Fd fd, IoVec iov, long address, int lengthBytes) {
        iov.clear();
        iov.add(address, lengthBytes);
        return PosixFile.preadv(fd, iov.address(), 1, 0, 0) != -Errno.EINVAL;
    }
}
