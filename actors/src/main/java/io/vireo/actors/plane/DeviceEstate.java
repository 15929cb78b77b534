package io.vireo.actors.plane;

import io.vireo.config.DeviceConfig;
import io.vireo.config.Problem;
import io.vireo.config.TransportConfig;
import io.vireo.posix.Fd;
import io.vireo.virtio.blk.BlkConfigSpace;
import io.vireo.virtio.blk.BlkLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * A device of one process, for another one to go on with.
 *
 * @param transport where its front-end is to be found, in words
 * @param features what a driver has accepted that is there now; 0 for none
 * @param configSpace what that driver has read; empty when there is no front-end
 * @param socket the one that it listens on
 */
public record DeviceEstate(
        String name, String drive, String transport, int queues, long features, byte[] configSpace, Optional<Fd> socket) {
    private static final byte[] NOBODY_READ_IT = {};
    /** Older ones have read less; what is past that they took for zero. */
    public static final int CONFIG_BYTES_MAX = BlkConfigSpace.READ_BYTES_MAX;

    static DeviceEstate of(DeviceHost host, Optional<Fd> socket) {
        byte[] read = host.status().clientConnected() ? host.readConfig(0, CONFIG_BYTES_MAX) : NOBODY_READ_IT;
        return new DeviceEstate(host.name(), host.config().drive(), words(host.config()), host.ioThreadOfQueue().size(),
                host.acceptedFeatures(), read, socket);
    }

    private static String words(DeviceConfig device) {
        return device.transport().map(transport -> switch (transport) {
            case TransportConfig.SocketPath path -> "path = " + path.path();
            case TransportConfig.SocketFd _ -> "an inherited descriptor";
            case TransportConfig.SocketPeer peer -> "role = connect, path = " + peer.path();
        }).orElse("none");
    }

    /** What keeps a configuration from being this device's. */
    Optional<Problem> problem(DeviceConfig device) {
        if (!device.drive().equals(drive)) return differs(device, "drive = " + device.drive(), "drive = " + drive);
        if (!words(device).equals(transport)) return differs(device, "transport: " + words(device), "transport: " + transport);
        if (device.queues().count() == queues) return Optional.empty();
        return differs(device, "num-queues = " + device.queues().count(), "num-queues = " + queues);
    }

    /** What keeps a device from being what the driver knows; what it may write itself does not count. */
    Optional<Problem> problem(DeviceHost host) {
        long missing = features & ~host.offeredFeatures();
        if (missing != 0)
            return differs(host.config(), "features 0x%x are not offered".formatted(missing), "its driver uses them");
        byte[] mine = host.readConfig(0, CONFIG_BYTES_MAX);
        for (int i = 0; i < configSpace.length; i++) {
            if (i == BlkLayout.CONFIG_WRITEBACK || mine[i] == configSpace[i]) continue;
            if (i < BlkLayout.CONFIG_SIZE_MAX)
                return differs(host.config(), "has " + sectors(mine) + " sectors", sectors(configSpace) + " sectors");
            return differs(host.config(), "what it tells its driver differs from byte " + i + " on",
                    "the same limits, block sizes and queues");
        }
        return Optional.empty();
    }

    private static long sectors(byte[] configSpace) {
        return ByteBuffer.wrap(configSpace).order(ByteOrder.LITTLE_ENDIAN).getLong(BlkLayout.CONFIG_CAPACITY);
    }

    private static Optional<Problem> differs(DeviceConfig device, String here, String there) {
        return Optional.of(new Problem(device.origin(), here, "the daemon that runs: " + there));
    }
}
