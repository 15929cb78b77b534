package io.vireo.actors.plane;

import io.vireo.config.BlockLimits;
import io.vireo.config.DeviceConfig;
import io.vireo.config.RingFeature;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.storage.zone.ZoneLimits;
import io.vireo.storage.zone.ZoneModel;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.blk.BlkRequestReader;
import io.vireo.virtio.queue.VirtqueueLayout;

/** What a configured device on an open node is to its driver: what the node can do and the configuration allows. */
final class DeviceProperties {
    /**
     * The most data buffers of one request. The Windows driver has room for 513 and cuts a longer list without a word,
     * so that a guest's data would be lost.
     */
    static final int SEG_MAX_MOST = 512;
    /** What a driver's buffer has at least when it has many. */
    private static final int PAGE_BYTES = 4096;

    private final DeviceConfig config;
    private final NodeLimits limits;
    private final int logicalBlockBytes;
    private final boolean readOnly;

    private DeviceProperties(DeviceConfig config, BlockNode node) {
        this.config = config;
        limits = node.limits();
        logicalBlockBytes = Math.max(config.limits().logicalBlockBytes(), limits.logicalBlockBytes());
        readOnly = config.readOnly() || node.readOnly();
    }

    static BlkProperties of(DeviceConfig config, BlockNode node, int queueCount) {
        return new DeviceProperties(config, node).with(node.sizeBytes(), queueCount);
    }

    private BlkProperties with(long sizeBytes, int queueCount) {
        BlockLimits wished = config.limits();
        return new BlkProperties(
                sizeBytes / BlkLayout.SECTOR_BYTES * BlkLayout.SECTOR_BYTES,
                logicalBlockBytes,
                Math.max(logicalBlockBytes, Math.max(wished.physicalBlockBytes(), limits.physicalBlockBytes())),
                wished.minIoBytes() != 0 ? wished.minIoBytes() : wholeBlocks(limits.minIoBytes()),
                wished.optIoBytes() != 0 ? wished.optIoBytes() : wholeBlocks(limits.optIoBytes()),
                segMax(),
                0,
                queueCount,
                readOnly,
                config.writeCache(),
                discard(),
                writeZeroes(),
                config.serial())
                .with(secureErase(), limits.rare().tellsLifetime(), zoned());
    }

    private int wholeBlocks(int bytes) {
        return bytes / logicalBlockBytes * logicalBlockBytes;
    }

    private BlkProperties.Discard discard() {
        RangeLimits range = limits.discard();
        if (readOnly || !range.supported()) return BlkProperties.Discard.NONE;
        // A granularity below the logical block would be none: nobody can address parts of a block.
        int granularity = Math.max(
                logicalBlockBytes,
                config.limits().discardGranularityBytes() != 0
                        ? config.limits().discardGranularityBytes() : range.alignmentBytes());
        return new BlkProperties.Discard(
                true, sectorsMax(config.limits().discardSectorsMax(), range), BlkRequestReader.SEGMENTS_MAX,
                granularity / BlkLayout.SECTOR_BYTES);
    }

    private BlkProperties.WriteZeroes writeZeroes() {
        RangeLimits range = limits.writeZeroes();
        if (readOnly || !range.supported()) return BlkProperties.WriteZeroes.NONE;
        return new BlkProperties.WriteZeroes(
                true, sectorsMax(config.limits().writeZeroesSectorsMax(), range), BlkRequestReader.SEGMENTS_MAX,
                limits.zeroesMayUnmap());
    }

    private BlkProperties.SecureErase secureErase() {
        RangeLimits range = limits.rare().secureErase();
        if (readOnly || !range.supported()) return BlkProperties.SecureErase.NONE;
        long unit = Math.max(logicalBlockBytes, Math.max(range.alignmentBytes(), limits.rare().zones().zoneBytes()));
        // Whole units, of which there is at least one: less than that cannot be erased.
        long most = Math.min((long) BlockLimits.SECTORS_MAX * BlkLayout.SECTOR_BYTES, range.maxBytes());
        long bytes = Math.max(1, most / unit) * unit;
        return new BlkProperties.SecureErase(
                true, (int) (bytes / BlkLayout.SECTOR_BYTES), BlkRequestReader.SEGMENTS_MAX,
                (int) (unit / BlkLayout.SECTOR_BYTES));
    }

    private BlkProperties.Zoned zoned() {
        ZoneLimits zones = limits.rare().zones();
        if (!zones.areThere()) return BlkProperties.Zoned.NONE;
        int granularity = Math.max(logicalBlockBytes, zones.writeGranularityBytes());
        long append = Math.min(zones.maxAppendBytes(), (long) segMax() * PAGE_BYTES) / granularity * granularity;
        return new BlkProperties.Zoned(
                zones.model() == ZoneModel.HOST_MANAGED ? BlkLayout.Z_HM : BlkLayout.Z_HA,
                (int) (zones.zoneBytes() / BlkLayout.SECTOR_BYTES), zones.maxOpen(), zones.maxActive(),
                (int) (append / BlkLayout.SECTOR_BYTES), granularity);
    }

    private int segMax() {
        return Math.min(SEG_MAX_MOST, Math.max(1, config.queues().size() - 2));
    }

    /** The smaller of the two, in whole logical blocks, of which there is at least one. */
    private int sectorsMax(int wishedSectors, RangeLimits range) {
        long bytes = Math.min((long) wishedSectors * BlkLayout.SECTOR_BYTES, range.maxBytes());
        return (int) (Math.max(1, bytes / logicalBlockBytes) * logicalBlockBytes / BlkLayout.SECTOR_BYTES);
    }

    /** The feature bits of virtqueues that the configuration has offered. */
    static long ringFeatures(DeviceConfig config) {
        return config.queues().features().stream().mapToLong(DeviceProperties::bitOf).reduce(0, (a, b) -> a | b);
    }

    private static long bitOf(RingFeature feature) {
        return switch (feature) {
            case PACKED -> VirtqueueLayout.F_RING_PACKED;
            case IN_ORDER -> VirtqueueLayout.F_IN_ORDER;
            case EVENT_IDX -> VirtqueueLayout.RING_F_EVENT_IDX;
            case INDIRECT_DESC -> VirtqueueLayout.RING_F_INDIRECT_DESC;
            case QUEUE_RESET -> VirtqueueLayout.F_RING_RESET;
        };
    }
}
