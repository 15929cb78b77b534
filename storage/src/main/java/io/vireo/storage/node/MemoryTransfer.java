package io.vireo.storage.node;

import io.vireo.posix.Errno;
import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;

/**
 * Reads and writes of nodes that only touch memory, done on the IOThread: short ones inside submit, long ones a piece a
 * turn, since one of 1 GiB in one go would keep every neighbour waiting for a tenth of a second.
 */
public final class MemoryTransfer {
    private static final int PIECE_BYTES = 2 << 20;

    /** Moves bytes between the node, at an offset, and a buffer. May throw InternalError: the buffer is a guest's. */
    @FunctionalInterface
    public interface Move {
        void move(long offset, long buffer, long lengthBytes);
    }

    private final IoContext context;

    public MemoryTransfer(IoContext context) {
        this.context = context;
    }

    /** Does it and completes the request, with EFAULT when its memory has gone (SIGBUS in C). */
    public void run(IoRequest request, Move move) {
        if (request.lengthBytes() <= PIECE_BYTES) request.complete(all(request, move));
        else piece(request, request.nodeOffsetBytes(), move);
    }

    private static int all(IoRequest request, Move move) {
        IoVec data = request.data();
        try {
            long offset = request.nodeOffsetBytes();
            for (int i = 0; i < data.count(); i++) {
                move.move(offset, data.base(i), data.lengthBytes(i));
                offset += data.lengthBytes(i);
            }
            Memory.raiseFaults();
            return 0;
        } catch (InternalError e) {
            return Errno.EFAULT;
        }
    }

    private void piece(IoRequest request, long from, Move move) {
        IoVec data = request.data();
        long offset = from;
        try {
            while (data.totalBytes() > 0 && offset - from < PIECE_BYTES) {
                long length = Math.min(data.lengthBytes(0), PIECE_BYTES - (offset - from));
                move.move(offset, data.base(0), length);
                data.advance(length);
                offset += length;
            }
            Memory.raiseFaults();
        } catch (InternalError e) {
            request.complete(Errno.EFAULT);
            return;
        }
        long next = offset;
        if (data.totalBytes() > 0) context.execute(() -> piece(request, next, move));
        else request.complete(0);
    }
}
