package io.vireo.actors.plane;

import io.vireo.actors.device.Device;
import io.vireo.storage.node.BlockNode;
import io.vireo.virtio.blk.BlkConfigSpace;
import io.vireo.virtio.blk.BlkProperties;
import java.util.function.Function;

/**
 * A configured device's properties and configuration space, of which its size may change while it is used. Thread: any
 * for the size and the properties; the configuration space as it says.
 */
final class DeviceSize {
    private final BlockNode node;
    private final BlkConfigSpace configSpace;
    private volatile BlkProperties properties;

    DeviceSize(BlockNode node, BlkProperties properties) {
        this.node = node;
        this.properties = properties;
        configSpace = new BlkConfigSpace(properties);
    }

    BlkProperties properties() {
        return properties;
    }

    BlkConfigSpace configSpace() {
        return configSpace;
    }

    /** A device that is being opened gets the old size or the new one, and is told of the latter. */
    synchronized Device open(Function<BlkProperties, Device> opener) {
        return opener.apply(properties);
    }

    /** The node has another size. */
    synchronized void changed(Device used) {
        properties = properties.withCapacityBytes(node.sizeBytes() / 512 * 512);
        if (used != null) used.resized(properties);
        configSpace.resize(properties.capacitySectors());
    }
}
