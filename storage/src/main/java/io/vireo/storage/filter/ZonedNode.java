package io.vireo.storage.filter;

import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.storage.zone.ZoneModel;
import io.vireo.storage.zone.Zones;

/**
 * An ordinary node that behaves as a zoned one: for drivers, file systems and tests that want a zoned disk where there
 * is none. Its zones live as long as it does.
 */
public final class ZonedNode implements BlockNode {
    private final BlockNode child;
    private final Zones zones;
    private final NodeLimits limits;

    /** @param child owned from here on; ZonedNode is to it what a disk's firmware is to its medium, and has its name */
    public ZonedNode(BlockNode child, Zones zones) {
        this.child = child;
        this.zones = zones;
        NodeLimits below = child.limits();
        boolean hostManaged = zones.limits().model() == ZoneModel.HOST_MANAGED;
        limits = below
                // A discard would leave the write pointer where it is.
                .withRanges(hostManaged ? RangeLimits.UNSUPPORTED : below.discard(), below.writeZeroes(), below.zeroesMayUnmap())
                .withRare(new NodeLimits.Rare(below.rare().secureErase(), below.rare().tellsLifetime(), zones.limits()));
    }

    @Override
    public String nodeName() {
        return child.nodeName();
    }

    @Override
    public String driver() {
        return child.driver();
    }

    @Override
    public long sizeBytes() {
        return child.sizeBytes();
    }

    @Override
    public boolean readOnly() {
        return child.readOnly();
    }

    @Override
    public NodeLimits limits() {
        return limits;
    }

    @Override
    public NodeChannel open(IoContext context) {
        return new ZonedChannel(this, zones, child.open(context));
    }

    @Override
    public void activate() {
        child.activate();
    }

    @Override
    public void inactivate() {
        child.inactivate();
    }

    @Override
    public void close() {
        child.close();
    }
}
