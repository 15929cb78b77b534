package io.vireo.virtio.driver;

import io.vireo.virtio.blk.BlkLayout;

/** What a load asks of a disk. */
public enum LoadOperation {
    READ(BlkLayout.T_IN, 0),
    WRITE(BlkLayout.T_OUT, 0),
    FLUSH(BlkLayout.T_FLUSH, BlkLayout.F_FLUSH),
    DISCARD(BlkLayout.T_DISCARD, BlkLayout.F_DISCARD),
    WRITE_ZEROES(BlkLayout.T_WRITE_ZEROES, BlkLayout.F_WRITE_ZEROES),
    GET_ID(BlkLayout.T_GET_ID, 0);

    static final LoadOperation[] ALL = values();

    private final int type;
    private final long needs;

    LoadOperation(int type, long needs) {
        this.type = type;
        this.needs = needs;
    }

    /** Whether a driver may ask for it after accepting what it did (virtio 1.3, 5.2.6.1). */
    boolean allowed(DiskFacts facts) {
        boolean changes = this == WRITE || this == DISCARD || this == WRITE_ZEROES;
        return facts.accepted(needs) && !(changes && facts.accepted(BlkLayout.F_RO));
    }

    int type() {
        return type;
    }
}
