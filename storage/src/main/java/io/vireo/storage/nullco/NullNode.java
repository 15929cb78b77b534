package io.vireo.storage.nullco;

import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.Lifetime;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.storage.node.OpenImage;
import io.vireo.storage.zone.ZoneLimits;
import java.util.Optional;

/** A node without storage (null-co): takes every write, reads as nothing in particular or as zeroes. */
public final class NullNode implements BlockNode {
    private static final RangeLimits ANY = RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES);

    private final String nodeName;
    private final Options options;
    private final NodeLimits limits;

    /**
     * @param sizeBytes a positive multiple of 512
     * @param readZeroes whether a read fills its buffers with zeroes; otherwise it leaves them as they are
     * @param latencyNanos how long each request takes; 0 completes it inside submit
     * @param secureErase whether it says that it can
     * @param lifetime what it says of its wear; null: nothing
     */
    public record Options(long sizeBytes, boolean readOnly, boolean readZeroes, long latencyNanos, boolean secureErase,
            Lifetime lifetime) {
        public Options(long sizeBytes, boolean readOnly, boolean readZeroes, long latencyNanos) {
            this(sizeBytes, readOnly, readZeroes, latencyNanos, false, null);
        }

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
        limits = NodeLimits.SECTORS.withRanges(ANY, ANY, true).withRare(new NodeLimits.Rare(
                options.secureErase() ? ANY : RangeLimits.UNSUPPORTED, options.lifetime() != null, ZoneLimits.NONE));
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
        return limits;
    }

    @Override
    public NodeChannel open(IoContext context) {
        return new NullChannel(this, options, context);
    }

    @Override
    public Optional<OpenImage> handOn() {
        return Optional.empty();
    }

    @Override
    public void close() {}
}
