package io.vireo.actors.device;

import io.vireo.posix.Errno;
import io.vireo.posix.IoVec;
import io.vireo.storage.node.IoRequest;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.Operation;
import io.vireo.storage.zone.ZoneErrno;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkRequest;
import io.vireo.virtio.memory.DirtyLog;

/**
 * One request of a virtqueue from the moment it is taken until its used element is written: what virtio made of it and
 * what storage is asked to do. There are as many as the queue has heads, made once.
 *
 * <p>Thread: the IOThread.
 */
public final class RequestSlot {
    final int index;
    final ServedVirtqueue queue;
    final BlkRequest blk;
    private final IoRequest io;
    private final DeviceShard shard;
    /** Made for the first request that is neither read, write nor flush: many slots never have one. */
    private RareRequest rare;
    /** Null while the slot is free. */
    MemoryLease lease;
    /** The node, or the kernel, has it. */
    boolean atNode;
    long takenNanos;
    /** It was kept by another device: nothing of it was done by this one. */
    boolean untried;
    private int errno;
    private byte status;

    RequestSlot(int index, ServedVirtqueue queue, IoVec data, DeviceShard shard) {
        this.index = index;
        this.queue = queue;
        this.shard = shard;
        this.blk = new BlkRequest(data);
        this.io = new IoRequest((_, result) -> finished(result));
    }

    /** The node is done with all of it. */
    void finished(int result) {
        errno = result;
        status = statusOf(result);
        shard.completed(this);
    }

    /** True when the guest's request asks the node for something; false when it is answered already. */
    public boolean needsNode() {
        return blk.verdict() == BlkRequest.PROCEED;
    }

    /** As {@link NodeChannel#announce}. */
    void announce(NodeChannel channel) {
        if (blk.type() == BlkLayout.T_IN || blk.type() == BlkLayout.T_OUT) channel.announce(blk.offsetBytes());
    }

    /** The request as the node is asked to do it. */
    public IoRequest toNode(boolean durable) {
        return switch (blk.type()) {
            case BlkLayout.T_IN -> io.read(blk.offsetBytes(), blk.data());
            case BlkLayout.T_OUT -> io.write(blk.offsetBytes(), blk.data(), durable);
            case BlkLayout.T_FLUSH -> io.flush();
            default -> rare().begin(durable);
        };
    }

    /**
     * What the node has not done of a request that it failed: of a read or write, what was not moved, for the buffers were
     * advanced past the rest.
     */
    IoRequest restToNode(boolean durable) {
        if (untried) {
            untried = false;
            return toNode(durable);
        }
        return switch (blk.type()) {
            case BlkLayout.T_IN -> io.read(blk.offsetBytes() + movedBytes(), blk.data());
            case BlkLayout.T_OUT -> io.write(blk.offsetBytes() + movedBytes(), blk.data(), durable);
            case BlkLayout.T_FLUSH -> io.flush();
            default -> rare().again(durable);
        };
    }

    private long movedBytes() {
        return blk.lengthBytes() - blk.data().totalBytes();
    }

    /** What the node was asked for. */
    Operation operation() {
        return switch (blk.type()) {
            case BlkLayout.T_IN, BlkLayout.T_OUT, BlkLayout.T_FLUSH -> io.operation();
            default -> rare().operation();
        };
    }

    /** Answers as if it had succeeded. */
    void ignoreError() {
        errno = 0;
        status = BlkLayout.S_OK;
    }

    private RareRequest rare() {
        if (rare == null) rare = new RareRequest(this, shard);
        return rare;
    }

    /** Takes the answer that was given without the node. */
    public void answered() {
        errno = 0;
        status = blk.verdict();
    }

    /** Marks what the device wrote for it. */
    void log(DirtyLog log) {
        blk.log(lease.memory, log);
    }

    int errno() {
        return errno;
    }

    byte status() {
        return status;
    }

    private static byte statusOf(int errno) {
        return switch (errno) {
            case 0 -> BlkLayout.S_OK;
            case Errno.EOPNOTSUPP -> BlkLayout.S_UNSUPP;
            case ZoneErrno.INVALID_COMMAND -> BlkLayout.S_ZONE_INVALID_CMD;
            case ZoneErrno.UNALIGNED_WRITE_POINTER -> BlkLayout.S_ZONE_UNALIGNED_WP;
            case ZoneErrno.OPEN_RESOURCE -> BlkLayout.S_ZONE_OPEN_RESOURCE;
            case ZoneErrno.ACTIVE_RESOURCE -> BlkLayout.S_ZONE_ACTIVE_RESOURCE;
            default -> BlkLayout.S_IOERR;
        };
    }
}
