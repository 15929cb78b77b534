package io.vireo.posix.uring;

import static io.vireo.posix.uring.UringLayout.*;

import io.vireo.posix.Memory;

/** Our end of the completion queue: the kernel writes entries and the tail, we move the head as we take them. */
final class CompletionQueue {
    private final long head;
    private final long tail;
    private final long cqes;
    private final int mask;
    private int next;

    CompletionQueue(RingMemory ring) {
        head = ring.cqHead;
        tail = ring.cqTail;
        cqes = ring.cqes;
        mask = ring.cqEntries - 1;
        next = Memory.getInt(head);
    }

    /**
     * Takes what is there now, at most once around; what arrives meanwhile waits for the next time. An entry counts as
     * taken before its handler runs, so that one which throws does not see it again.
     *
     * @param ended is told how many operations these completions ended
     */
    int reap(CompletionHandler handler, IoUring ended) {
        int available = Memory.getIntAcquire(tail) - next; // pairs with the kernel's release of the tail
        int operations = 0;
        try {
            for (int i = 0; i < available; i++) {
                long cqe = cqes + (long) (next & mask) * CQE_BYTES;
                long userData = Memory.getLong(cqe + CQE_USER_DATA);
                int result = Memory.getInt(cqe + CQE_RES);
                int flags = Memory.getInt(cqe + CQE_FLAGS);
                next++;
                if ((flags & IoUring.CQE_F_MORE) == 0) operations++;
                handler.completed(userData, result, flags);
            }
        } finally {
            Memory.putIntRelease(head, next); // the kernel may use the entries again
            ended.operationsEnded(operations);
        }
        return available;
    }
}
