package io.vireo.storage.file;

import io.vireo.posix.Errno;
import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.Operation;

/** One aligned buffer and the request that passes through it. */
final class Bounce implements AutoCloseable {
    private static final int ALIGNMENT_BYTES = 4096;

    private final BounceBuffers owner;
    private final NativeBlock iovBlock = NativeBlock.allocate(IoVec.ENTRY_BYTES, 8);
    private final IoVec iov = new IoVec(iovBlock.address(), 1, 1);
    private final NativeBlock buffer = NativeBlock.allocate(BounceBuffers.BUFFER_BYTES, ALIGNMENT_BYTES);
    private final IoRequest piece = new IoRequest((request, errno) -> pieceDone(errno));
    Bounce next;

    private IoRequest request;
    private long doneBytes;
    private int pieceBytes;
    /** Where the next byte lies in the request's own buffers: entry, and offset within it. */
    private int cursorIndex;
    private long cursorBytes;

    Bounce(BounceBuffers owner) {
        this.owner = owner;
    }

    void begin(IoRequest request) {
        this.request = request;
        doneBytes = 0;
        cursorIndex = 0;
        cursorBytes = 0;
        next = null;
        nextPiece();
    }

    private void nextPiece() {
        pieceBytes = (int) Math.min(BounceBuffers.BUFFER_BYTES, request.lengthBytes() - doneBytes);
        long offset = request.nodeOffsetBytes() + doneBytes;
        iov.clear();
        iov.add(buffer.address(), pieceBytes);
        if (request.operation() == Operation.READ) {
            piece.read(offset, iov);
        } else {
            if (!copyPiece()) {
                finish(Errno.EFAULT);
                return;
            }
            piece.write(offset, iov, request.durable());
        }
        owner.move(piece);
    }

    private void pieceDone(int errno) {
        if (errno != 0) {
            finish(errno);
            return;
        }
        if (request.operation() == Operation.READ && !copyPiece()) {
            finish(Errno.EFAULT);
            return;
        }
        doneBytes += pieceBytes;
        if (doneBytes < request.lengthBytes()) nextPiece();
        else finish(0);
    }

    /** Copies the piece between buffer and request; false when the request's memory has gone (SIGBUS in C). */
    private boolean copyPiece() {
        boolean toRequest = request.operation() == Operation.READ;
        IoVec data = request.data();
        try {
            int copied = 0;
            while (copied < pieceBytes) {
                long entryBytes = data.lengthBytes(cursorIndex);
                int count = (int) Math.min(pieceBytes - copied, entryBytes - cursorBytes);
                long theirs = data.base(cursorIndex) + cursorBytes;
                long ours = buffer.address() + copied;
                if (toRequest) Memory.copy(ours, theirs, count);
                else Memory.copy(theirs, ours, count);
                copied += count;
                cursorBytes += count;
                if (cursorBytes == entryBytes) {
                    cursorIndex++;
                    cursorBytes = 0;
                }
            }
            Memory.raiseFaults();
            return true;
        } catch (InternalError e) {
            return false;
        }
    }

    private void finish(int errno) {
        IoRequest done = request;
        request = null;
        owner.giveBack(this);
        done.complete(errno);
    }

    @Override
    public void close() {
        iov.close();
        iovBlock.close();
        buffer.close();
    }
}
