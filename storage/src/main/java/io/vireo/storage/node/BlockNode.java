package io.vireo.storage.node;

/**
 * A vertex of the block graph: something with a size that is read and written at offsets.
 *
 * <p>Thread: its facts never change and may be read from anywhere; opening and closing a node may block, so neither
 * happens on an IOThread. Channels are opened on the IOThread that uses them, as many as there are IOThreads.
 */
public interface BlockNode extends AutoCloseable {
    String nodeName();

    /** The driver's name as QEMU and the configuration have it: file, host_device, raw, null-co. */
    String driver();

    /** A multiple of 512. */
    long sizeBytes();

    boolean readOnly();

    NodeLimits limits();

    /** A way to this node for the IOThread that {@code context} is; called on it. */
    NodeChannel open(IoContext context);

    /**
     * Takes the image for this process: its locks. Nothing may be written before, and nothing happens again after. Blocks:
     * not for IOThreads.
     *
     * @throws ImageException IN_USE: another process has it still
     */
    default void activate() {}

    /**
     * Makes durable what was written and gives the image up, so that another process may take it; nothing is in flight.
     * {@link #activate} takes it back. Blocks: not for IOThreads.
     *
     * @throws ImageException it is not all durable; the image stays ours
     */
    default void inactivate() {}

    /** Releases files and locks. Every channel is closed before. */
    @Override
    void close();
}
