package io.vireo.virtio.blk;

import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Which features a block device offers, and whether a driver took only those (virtio 1.3, 2.2 and 5.2.3). */
public final class BlkFeatures {
    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(1, "VIRTIO_BLK_F_SIZE_MAX"),
            Map.entry(2, "VIRTIO_BLK_F_SEG_MAX"),
            Map.entry(4, "VIRTIO_BLK_F_GEOMETRY"),
            Map.entry(5, "VIRTIO_BLK_F_RO"),
            Map.entry(6, "VIRTIO_BLK_F_BLK_SIZE"),
            Map.entry(9, "VIRTIO_BLK_F_FLUSH"),
            Map.entry(10, "VIRTIO_BLK_F_TOPOLOGY"),
            Map.entry(11, "VIRTIO_BLK_F_CONFIG_WCE"),
            Map.entry(12, "VIRTIO_BLK_F_MQ"),
            Map.entry(13, "VIRTIO_BLK_F_DISCARD"),
            Map.entry(14, "VIRTIO_BLK_F_WRITE_ZEROES"),
            Map.entry(15, "VIRTIO_BLK_F_LIFETIME"),
            Map.entry(16, "VIRTIO_BLK_F_SECURE_ERASE"),
            Map.entry(17, "VIRTIO_BLK_F_ZONED"),
            Map.entry(28, "VIRTIO_F_INDIRECT_DESC"),
            Map.entry(29, "VIRTIO_F_EVENT_IDX"),
            Map.entry(32, "VIRTIO_F_VERSION_1"),
            Map.entry(34, "VIRTIO_F_RING_PACKED"),
            Map.entry(35, "VIRTIO_F_IN_ORDER"),
            Map.entry(38, "VIRTIO_F_NOTIFICATION_DATA"),
            Map.entry(40, "VIRTIO_F_RING_RESET"));

    private BlkFeatures() {}

    /**
     * What a device of these properties offers, without the bits of its transport.
     *
     * @param ringFeatures the bits about its virtqueues
     */
    public static long offered(BlkProperties properties, long ringFeatures) {
        long features = BlkLayout.F_SEG_MAX | BlkLayout.F_BLK_SIZE | BlkLayout.F_TOPOLOGY | BlkLayout.F_MQ;
        features |= BlkLayout.F_FLUSH | BlkLayout.F_CONFIG_WCE;
        features |= ringFeatures | VirtqueueLayout.F_VERSION_1;
        if (properties.sizeMaxBytes() != 0) features |= BlkLayout.F_SIZE_MAX;
        if (properties.readOnly()) features |= BlkLayout.F_RO;
        if (properties.discards()) features |= BlkLayout.F_DISCARD;
        if (properties.writesZeroes()) features |= BlkLayout.F_WRITE_ZEROES;
        if (properties.secureErases()) features |= BlkLayout.F_SECURE_ERASE;
        if (properties.lifetime()) features |= BlkLayout.F_LIFETIME;
        if (properties.zoned().hasZones()) features |= BlkLayout.F_ZONED;
        return features;
    }

    /** @throws IllegalArgumentException bits were accepted that were not offered; it names them */
    public static void checkAccepted(long offered, long accepted) {
        long extra = accepted & ~offered;
        if (extra != 0) throw new IllegalArgumentException("features accepted but not offered: " + describe(extra));
    }

    /**
     * A driver that knows nothing of zones must not use sequential ones (5.2.5).
     *
     * @throws IllegalArgumentException the zones are host-managed and VIRTIO_BLK_F_ZONED was not accepted
     */
    public static void checkZoned(BlkProperties properties, long accepted) {
        if (properties.zoned().model() != BlkLayout.Z_HM || (accepted & BlkLayout.F_ZONED) != 0) return;
        throw new IllegalArgumentException("a driver of a host-managed zoned disk must accept VIRTIO_BLK_F_ZONED");
    }

    /** The features' names by rising bit, "bit N" for one without; "none" for no bit. */
    public static String describe(long features) {
        List<String> names = new ArrayList<>();
        for (long rest = features; rest != 0; rest &= rest - 1) {
            int bit = Long.numberOfTrailingZeros(rest);
            names.add(NAMES.getOrDefault(bit, "bit " + bit));
        }
        return names.isEmpty() ? "none" : String.join(", ", names);
    }
}
