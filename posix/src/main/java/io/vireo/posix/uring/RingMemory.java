package io.vireo.posix.uring;

import static io.vireo.posix.uring.UringLayout.*;

import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UringCalls;

/** A ring as the kernel set it up: its descriptor, the memory shared with it, and where in there everything is. */
final class RingMemory implements AutoCloseable {
    private static final int COMMON = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    private static final int DEFERRED = COMMON | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER
            | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
    /** From the newest kernel to the oldest: 6.6, 6.1, 5.19, 5.11. */
    private static final int[] FLAGS = {
        DEFERRED | IORING_SETUP_NO_SQARRAY,
        DEFERRED,
        COMMON | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        COMMON,
    };

    final Fd fd;
    final int setupFlags;
    final int features;
    final int sqEntries;
    final int cqEntries;
    final long sqHead;
    final long sqTail;
    final long sqFlags;
    final long sqes;
    final long cqHead;
    final long cqTail;
    final long cqes;
    private final Mapping rings;
    private final Mapping entries;

    private RingMemory(Fd fd, long params) {
        this.fd = fd;
        setupFlags = Memory.getInt(params + PARAMS_FLAGS);
        features = Memory.getInt(params + PARAMS_FEATURES);
        sqEntries = Memory.getInt(params + PARAMS_SQ_ENTRIES);
        cqEntries = Memory.getInt(params + PARAMS_CQ_ENTRIES);
        long sq = params + PARAMS_SQ_OFF;
        long cq = params + PARAMS_CQ_OFF;
        boolean array = (setupFlags & IORING_SETUP_NO_SQARRAY) == 0;
        long arrayEnd = array ? Memory.getU32(sq + SQ_OFF_ARRAY) + 4L * sqEntries : 0;
        long cqesEnd = Memory.getU32(cq + CQ_OFF_CQES) + (long) CQE_BYTES * cqEntries;
        rings = Mapping.shared(fd, IORING_OFF_SQ_RING, Math.max(arrayEnd, cqesEnd), true);
        try {
            entries = Mapping.shared(fd, IORING_OFF_SQES, (long) SQE_BYTES * sqEntries, true);
        } catch (PosixException e) {
            rings.close();
            throw e;
        }
        sqes = entries.address();
        long base = rings.address();
        sqHead = base + Memory.getU32(sq + SQ_OFF_HEAD);
        sqTail = base + Memory.getU32(sq + SQ_OFF_TAIL);
        sqFlags = base + Memory.getU32(sq + SQ_OFF_FLAGS);
        cqHead = base + Memory.getU32(cq + CQ_OFF_HEAD);
        cqTail = base + Memory.getU32(cq + CQ_OFF_TAIL);
        cqes = base + Memory.getU32(cq + CQ_OFF_CQES);
        if (!array) return;
        // Slot i of the ring always means entry i, so the indirection is written once and never again.
        long first = base + Memory.getU32(sq + SQ_OFF_ARRAY);
        for (int i = 0; i < sqEntries; i++) Memory.putInt(first + 4L * i, i);
    }

    /** Sets up a ring with the best flags this kernel knows. */
    static RingMemory create(UringCalls calls, Options options) {
        try (NativeBlock params = NativeBlock.allocate(PARAMS_BYTES, 8)) {
            int result = -Errno.EINVAL;
            for (int flags : FLAGS) {
                Memory.zero(params.address(), PARAMS_BYTES);
                Memory.putInt(params.address() + PARAMS_FLAGS, flags);
                Memory.putInt(params.address() + PARAMS_CQ_ENTRIES, options.completionEntries());
                result = calls.setup(options.entries(), params.address());
                if (result != -Errno.EINVAL) break;
            }
            if (result < 0) throw new PosixException("io_uring_setup", "", -result);
            return map(Fd.owning(result), params.address());
        }
    }

    @Override
    public void close() {
        fd.close();
        entries.close();
        rings.close();
    }

    private static RingMemory map(Fd fd, long params) {
        int needed = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG;
        try {
            if ((Memory.getInt(params + PARAMS_FEATURES) & needed) != needed) {
                throw new PosixException("io_uring_setup", "on a kernel before 5.11", Errno.ENOSYS);
            }
            return new RingMemory(fd, params);
        } catch (PosixException e) {
            fd.close();
            throw e;
        }
    }
}
