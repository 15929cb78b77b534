package io.vireo.actors.device;

import io.vireo.storage.node.IoRequest;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkRequest;

/**
 * What a slot asks of the node for a request that is neither read, write nor flush: its ranges go there one after the
 * other, and the first that fails ends it, as 5.2.6 allows. Begun anew, all of them are done again.
 *
 * <p>Thread: the IOThread.
 */
final class RareRequest {
    private final RequestSlot slot;
    private final DeviceShard shard;
    private final IoRequest io = new IoRequest((_, errno) -> answered(errno));
    private boolean durable;
    private int range;

    RareRequest(RequestSlot slot, DeviceShard shard) {
        this.slot = slot;
        this.shard = shard;
    }

    /** What the node is to do first. */
    IoRequest begin(boolean writesAreDurable) {
        durable = writesAreDurable;
        range = 0;
        return ask();
    }

    private IoRequest ask() {
        BlkRequest blk = slot.blk;
        return switch (blk.type()) {
            case BlkLayout.T_DISCARD ->
                io.discard(blk.rangeOffsetBytes(range), blk.rangeLengthBytes(range), durable);
            case BlkLayout.T_WRITE_ZEROES -> io.writeZeroes(
                    blk.rangeOffsetBytes(range), blk.rangeLengthBytes(range), blk.unmap(range), durable);
            default -> throw new IllegalStateException("type=" + blk.type());
        };
    }

    /** Inside the node's completion, which may be inside submit: as deep as there are ranges, so not deep. */
    private void answered(int errno) {
        range++;
        if (errno != 0 || range >= slot.blk.rangeCount() || !shard.submitNext(slot, ask())) slot.finished(errno);
    }
}
