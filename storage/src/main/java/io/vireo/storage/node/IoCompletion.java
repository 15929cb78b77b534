package io.vireo.storage.node;

/** Where a request goes when it is done. */
@FunctionalInterface
public interface IoCompletion {
    /**
     * The request is done and its buffers are the caller's again.
     *
     * <p>Thread: the IOThread that submitted it, possibly still inside {@link NodeChannel#submit}; an implementation
     * must therefore not submit without bound from here. The request may be reused at once.
     *
     * @param errno 0, or why it failed; EOPNOTSUPP means that the node cannot do this operation
     */
    void completed(IoRequest request, int errno);
}
