package io.vireo.storage.node;

/**
 * Does requests on host files without blocking its IOThread, one engine of a kind per IOThread. All methods are called
 * on that thread.
 *
 * <p>An engine continues short reads and writes, retries interruptions, and completes each request exactly once with 0
 * or an errno. It does not check ranges: nodes do, before. It looks at {@link IoRequest#nodeOffsetBytes()}.
 */
public interface AioEngine extends AutoCloseable {
    /** Never AUTO. */
    AioMode kind();

    /** Takes a request for an open file. A queue that is full is the engine's business: the request waits in it. */
    void submit(int fd, IoRequest request);

    /**
     * Hands what was prepared to the kernel; called once per turn of the loop. An engine whose queue is the loop's own
     * ring only refills it from its waiting requests: the loop enters the kernel.
     *
     * @return system calls made or requests moved on; 0 when there was nothing to do
     */
    int flush();

    /**
     * Takes in what is done without blocking; completions run inside. An engine whose completions are dispatched by the
     * loop answers 0.
     *
     * @return requests completed
     */
    int poll();

    /** Requests taken and not completed, those that wait included. */
    int inFlight();

    /** Releases what the engine holds, once nothing is in flight. */
    @Override
    void close();
}
