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
    /** An interruption is retried so often; a file that answers EAGAIN for ever must not spin the loop for ever. */
    private static final int RETRIES_MAX = 64;

    /** The kinds of call that a request turns into. */
    enum Call {
        READV,
        WRITEV,
        FALLOCATE,
        DATASYNC
    }

    final int slot;
    FileIo next;
    IoRequest request;
    int fd;
    private Call call;
    private long offsetBytes;
    private long remainingBytes;
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
        this.call = switch (request.operation()) {
            case READ -> Call.READV;
            case WRITE -> Call.WRITEV;
            case FLUSH -> Call.DATASYNC;
            case DISCARD, WRITE_ZEROES -> Call.FALLOCATE;
        };
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
        return Math.min(request.data().count(), IOV_COUNT_MAX);
    }

    int rwFlags() {
        return call == Call.WRITEV && request.durable() ? RWF_DSYNC : 0;
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
            return transientFailure && ++retries <= RETRIES_MAX ? AGAIN : errno;
        }
        return switch (call) {
            case READV, WRITEV -> settleTransfer(result);
            case DATASYNC -> 0;
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
        return AGAIN;
    }
}
