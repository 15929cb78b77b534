package io.vireo.storage.node;

/** What a request asks of a node. READ fills memory from the node, WRITE the other way; the others move no data. */
public enum Operation {
    READ,
    WRITE,
    FLUSH,
    DISCARD,
    WRITE_ZEROES;

    /** Whether a read-only node refuses it. */
    public boolean changesData() {
        return this == WRITE || this == DISCARD || this == WRITE_ZEROES;
    }
}
