package io.vireo.storage.node;

/**
 * What a request asks of a node. READ fills memory from the node, WRITE and ZONE_APPEND the other way; the others move
 * no data.
 */
public enum Operation {
    READ,
    WRITE,
    FLUSH,
    DISCARD,
    WRITE_ZEROES,
    /** The range cannot be read any more, whatever is done to the medium. */
    SECURE_ERASE,
    /** Answers {@link Lifetime#packed}. */
    LIFETIME,
    /** Tells of zones. */
    ZONE_REPORT,
    /** A write at a zone's write pointer; answers where that was. */
    ZONE_APPEND,
    ZONE_OPEN,
    ZONE_CLOSE,
    ZONE_FINISH,
    ZONE_RESET,
    ZONE_RESET_ALL;

    /** Whether a read-only node refuses it. */
    public boolean changesData() {
        return this == WRITE || this == DISCARD || this == WRITE_ZEROES || this == SECURE_ERASE;
    }
}
