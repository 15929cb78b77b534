package io.vireo.storage.node;

/** What a channel may ask of its IOThread. Called on that thread, except {@link #execute}. */
public interface IoContext {
    /**
     * The IOThread's engine of the kind asked for, or the best that works here when that one does not; AUTO asks for
     * the best. {@link AioEngine#kind()} tells which it is.
     *
     * @param direct whether it is for a file opened past the page cache
     */
    AioEngine engine(AioMode requested, boolean direct);

    /** Runs the task on the IOThread once {@link #nowNanos()} has reached the deadline. */
    void at(long deadlineNanos, Runnable task);

    /** The loop's clock: monotonic, of no particular origin. */
    long nowNanos();

    /** Runs the task on the IOThread soon, never inside this call. From any thread. */
    void execute(Runnable task);
}
