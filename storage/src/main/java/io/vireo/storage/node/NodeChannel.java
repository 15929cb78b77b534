package io.vireo.storage.node;

/** One IOThread's way to a block node. Everything here is called on that IOThread. */
public interface NodeChannel extends AutoCloseable {
    /**
     * Takes a request. What the node cannot or may not do (range, alignment, read-only, unsupported) is a completion
     * with an errno like any other failure, so nothing is thrown. Never blocks, allocates nothing.
     *
     * <p>The request may wait for the loop's next {@link AioEngine#flush}, and may complete before this returns.
     */
    void submit(IoRequest request);

    /** Whether it makes use of {@link #announce}. */
    default boolean wantsAnnouncements() {
        return false;
    }

    /**
     * Says where a read or write is about to be submitted, right after others that were announced too: a node that copies
     * from memory would wait for each of them in turn, and can have all of them fetched at once. A hint: nobody has judged
     * the offset, which may be any number, nothing changes, and nothing has to follow.
     */
    default void announce(long offsetBytes) {}

    /** The node has another size now, which requests from here on are judged by. */
    default void resized() {}

    /** Gives up what the channel holds. The caller has seen every request of this channel complete. */
    @Override
    void close();
}
