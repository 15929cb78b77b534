package io.vireo.storage.nullco;

import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;

/** A node without storage (null-co): takes every write, reads as nothing in particular or as zeroes. */
public final class NullNode implements BlockNode {
    private static final NodeLimits LIMITS = NodeLimits.SECTORS.withRanges(
            RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES), RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES), true);

    private final String nodeName;
    private final Options options;

    /**
     * @param sizeBytes a positive multiple of 512
     * @param readZeroes whether a read fills its buffers with zeroes; otherwise it leaves them as they are
     * @param latencyNanos how long each request takes; 0 completes it inside submit
     */
    public record Options(long sizeBytes, boolean readOnly, boolean readZeroes, long latencyNanos) {
        public Options {
            if (sizeBytes <= 0 || sizeBytes % NodeLimits.SECTOR_BYTES != 0) {
                throw new IllegalArgumentException("sizeBytes=" + sizeBytes);
            }
            if (latencyNanos < 0) throw new IllegalArgumentException("latencyNanos=" + latencyNanos);
        }
    }

    public NullNode(String nodeName, Options options) {
        this.nodeName = nodeName;
        this.options = options;
    }

    @Override
    public String nodeName() {
        return nodeName;
    }

    @Override
    public String driver() {
        return "null-co";
    }

    @Override
    public long sizeBytes() {
        return options.sizeBytes();
    }

    @Override
    public boolean readOnly() {
        return options.readOnly();
    }

    @Override
    public NodeLimits limits() {
        return LIMITS;
    }

    @Override
    public NodeChannel open(IoContext context) {
        return new NullChannel(this, options, context);
    }

    @Override
    public void close() {}
}
