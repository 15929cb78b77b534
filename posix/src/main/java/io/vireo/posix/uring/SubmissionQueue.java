package io.vireo.posix.uring;

import static io.vireo.posix.uring.UringLayout.*;

import io.vireo.posix.Memory;

/** Our end of the submission queue: we write entries and the tail, the kernel moves the head as it takes them. */
final class SubmissionQueue {
    private final long head;
    private final long tail;
    private final long flags;
    private final long sqes;
    private final int entries;
    private final int mask;
    private int next;
    /** As last read; the kernel moves it only inside a call of ours. */
    private int taken;

    SubmissionQueue(RingMemory ring) {
        head = ring.sqHead;
        tail = ring.sqTail;
        flags = ring.sqFlags;
        sqes = ring.sqes;
        entries = ring.sqEntries;
        mask = entries - 1;
        next = Memory.getInt(tail);
        taken = next;
    }

    /**
     * Fills the next entry with what every operation has.
     *
     * @return the entry's address, 0 when the queue is full
     */
    long add(int opcode, int sqeFlags, int fd, long offset, long address, int length, int opFlags, long userData) {
        if (next - taken == entries) return 0;
        long sqe = sqes + (long) (next & mask) * SQE_BYTES;
        // One word for opcode, flags, ioprio and fd; then the rest in order. Entries are used again: all is written.
        Memory.putLong(sqe, opcode | sqeFlags << 8 | (long) fd << 32);
        Memory.putLong(sqe + SQE_OFF, offset);
        Memory.putLong(sqe + SQE_ADDR, address);
        Memory.putLong(sqe + SQE_LEN, Integer.toUnsignedLong(length) | (long) opFlags << 32);
        Memory.putLong(sqe + SQE_USER_DATA, userData);
        Memory.putLong(sqe + SQE_BUF_INDEX, 0);
        Memory.putLong(sqe + 48, 0);
        Memory.putLong(sqe + 56, 0);
        next++;
        return sqe;
    }

    int pending() {
        return next - taken;
    }

    /** Shows the kernel what was added; pairs with its acquire of the tail when it takes entries. */
    void publish() {
        Memory.putIntRelease(tail, next);
    }

    /** Sees how far the kernel came, after a call that submitted. */
    void refresh() {
        taken = Memory.getIntAcquire(head);
    }

    /** The kernel's flags; acquire only so that no loop reads them once for ever. */
    int flags() {
        return Memory.getIntAcquire(flags);
    }
}
