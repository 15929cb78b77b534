package io.vireo.storage.node;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * A vertex of the block graph: something with a size that is read and written at offsets.
 *
 * <p>Thread: its facts never change, but for the size, and may be read from anywhere; opening and closing a node may block, so neither
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
     * Takes another size. Who has a channel tells it so afterwards; of a node that is to become smaller nothing is in
     * flight. Blocks: never on an IOThread.
     *
     * @param wanted what it is to have; empty for all that is there below by now
     * @param mayShrink whether what lies behind a smaller size may be lost
     * @throws ImageException why it cannot have that size; nothing has changed then
     */
    default void resize(OptionalLong wanted, boolean mayShrink) {
        throw new ImageException(ImageException.Kind.FIXED_SIZE, nodeName(), "driver " + driver() + " has a fixed size");
    }

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

    /**
     * What another process needs to go on with this node; empty when that is nothing but its configuration. Nothing is in
     * flight while it does. The file stays this node's.
     *
     * @throws ImageException the node cannot go on in another process
     */
    default Optional<OpenImage> handOn() {
        throw new ImageException(ImageException.Kind.NOT_HANDED_ON, nodeName(),
                "driver " + driver() + " has its contents in the memory of this process");
    }

    /** Releases files and locks. Every channel is closed before. */
    @Override
    void close();
}
