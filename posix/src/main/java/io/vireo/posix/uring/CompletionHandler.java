package io.vireo.posix.uring;

/** Told of one completion. It may prepare new operations, but neither reap nor close the ring it is called from. */
@FunctionalInterface
public interface CompletionHandler {
    /**
     * @param userData what the operation was prepared with
     * @param result what the operation's system call would answer: a count or -errno
     * @param flags {@link IoUring#CQE_F_MORE}: a multishot operation goes on and has more to report
     */
    void completed(long userData, int result, int flags);
}
