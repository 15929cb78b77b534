package io.vireo.actors.plane;

import io.vireo.config.BlockLimits;
import io.vireo.config.DeviceConfig;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.blk.BlkRequestReader;

/** What a configured device on an open node is to its driver: the node's abilities, as far as the configuration allows. */
final class DeviceProperties {
    /**
     * The most data buffers of one request. The Windows driver has room for 513 and cuts a longer list without a word,
     * so that a guest's data would be lost.
     */
    static final int SEG_MAX_MOST = 512;

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
                Math.min(SEG_MAX_MOST, Math.max(1, config.queues().size() - 2)),
                0,
                queueCount,
                readOnly,
                config.writeCache(),
                discard(),
                writeZeroes(),
                config.serial());
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

    /** The smaller of the two, in whole logical blocks, of which there is at least one. */
    private int sectorsMax(int wishedSectors, RangeLimits range) {
        long bytes = Math.min((long) wishedSectors * BlkLayout.SECTOR_BYTES, range.maxBytes());
        return (int) (Math.max(1, bytes / logicalBlockBytes) * logicalBlockBytes / BlkLayout.SECTOR_BYTES);
    }
}
