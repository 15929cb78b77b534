package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.IoVec;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.Operation;

/**
 * One request on its way through an engine: which call comes next and what its result means. Pooled; every engine asks
 * the same two questions, {@link #settle} being the second.
 */
final class FileIo {
    /** Answer of {@link #settle}: the request needs another call. Every other answer is an errno, 0 included. */
    static final int AGAIN = -1;
    static final int RWF_DSYNC = 2;
    /** IOV_MAX: a longer array is moved in several calls. */
    static final int IOV_COUNT_MAX = 1024;
    /**
     * A longer transfer is made in several calls. Reading from the page cache and pinning the pages of direct I/O happen
     * inside the call, on the thread that all disks share: 2 MiB are a few hundred microseconds of it.
     */
    static final int CALL_BYTES_MAX = 2 << 20;
    /** An interruption is retried so often; a file that answers EAGAIN for ever must not spin the loop for ever. */
    private static final int RETRIES_MAX = 64;

    /** The kinds of call that a request turns into. */
    enum Call {
        /** Of {@link #callBytes} at the first buffer. */
        READ,
        WRITE,
        /** Of the first {@link #iovCount} buffers. */
        READV,
        WRITEV,
        FALLOCATE,
        DATASYNC,
        /** Of the whole range; only by threads, as {@link #QUESTION}. */
        SECURE_ERASE,
        /** Whatever the request asks, which answers what is not negative or -errno. */
        QUESTION
    }

    final int slot;
    FileIo next;
    IoRequest request;
    int fd;
    private Call call;
    private long offsetBytes;
    private long remainingBytes;
    private int callBytes;
    private int iovCount;
    private int retries;

    FileIo(int slot) {
        this.slot = slot;
    }

    void begin(int fd, IoRequest request) {
        this.fd = fd;
        this.request = request;
        this.offsetBytes = request.nodeOffsetBytes();
        this.remainingBytes = request.lengthBytes();
        this.retries = 0;
        switch (request.operation()) {
            case READ, WRITE -> chooseTransfer();
            case FLUSH -> call = Call.DATASYNC;
            case DISCARD, WRITE_ZEROES -> call = Call.FALLOCATE;
            case SECURE_ERASE -> call = Call.SECURE_ERASE;
            case LIFETIME -> call = Call.QUESTION;
            default -> throw new AssertionError(request.toString());
        }
    }

    /** The next call of a read or write: its first buffer, or as many whole buffers as one call may have. */
    private void chooseTransfer() {
        boolean read = request.operation() == Operation.READ;
        IoVec data = request.data();
        long bytes = data.lengthBytes(0);
        int count = 1;
        int countMax = Math.min(data.count(), IOV_COUNT_MAX);
        while (count < countMax && bytes + data.lengthBytes(count) <= CALL_BYTES_MAX) bytes += data.lengthBytes(count++);
        callBytes = (int) Math.min(bytes, CALL_BYTES_MAX);
        iovCount = count;
        if (count == 1) call = read ? Call.READ : Call.WRITE;
        else call = read ? Call.READV : Call.WRITEV;
    }

    Call call() {
        return call;
    }

    long offsetBytes() {
        return offsetBytes;
    }

    long remainingBytes() {
        return remainingBytes;
    }

    long iovAddress() {
        return request.data().address();
    }

    int iovCount() {
        return iovCount;
    }

    /** Where the call's first buffer is. */
    long bufferAddress() {
        return request.data().base(0);
    }

    int callBytes() {
        return callBytes;
    }

    int rwFlags() {
        return request.operation() == Operation.WRITE && request.durable() ? RWF_DSYNC : 0;
    }

    int fallocateMode() {
        boolean unmap = request.operation() == Operation.DISCARD || request.mayUnmap();
        return PosixFile.FALLOC_FL_KEEP_SIZE
                | (unmap ? PosixFile.FALLOC_FL_PUNCH_HOLE : PosixFile.FALLOC_FL_ZERO_RANGE);
    }

    /**
     * Takes in the result of the call.
     *
     * @param result bytes moved or 0; or -errno
     * @return {@link #AGAIN}, or the errno that the request completes with
     */
    int settle(long result) {
        if (result < 0) {
            int errno = (int) -result;
            boolean transientFailure = errno == Errno.EINTR || errno == Errno.EAGAIN;
            if (transientFailure && ++retries <= RETRIES_MAX) return AGAIN;
            // A durable write's EIO may be that of another write, which the kernel had taken before: it tells of each once.
            if (call == Call.DATASYNC || errno == Errno.EIO && rwFlags() == RWF_DSYNC) request.syncFailed(errno);
            return errno;
        }
        return switch (call) {
            case READ, WRITE, READV, WRITEV -> settleTransfer(result);
            case DATASYNC, SECURE_ERASE -> 0;
            case QUESTION -> {
                request.answer(result);
                yield 0;
            }
            case FALLOCATE -> {
                if (!request.durable()) yield 0;
                call = Call.DATASYNC; // fallocate has no durable form
                yield AGAIN;
            }
        };
    }

    private int settleTransfer(long movedBytes) {
        // The file ends before the node does: somebody has cut it. Zeroes would be an invention.
        if (movedBytes == 0 || movedBytes > remainingBytes) return Errno.EIO;
        remainingBytes -= movedBytes;
        if (remainingBytes == 0) return 0;
        IoVec data = request.data();
        data.advance(movedBytes);
        offsetBytes += movedBytes;
        retries = 0;
        chooseTransfer();
        return AGAIN;
    }
}
