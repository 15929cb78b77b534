package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.config.DeviceConfig;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.IoContext;
import io.vireo.storage.node.NodeChannel;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.virtio.blk.BlkFeatures;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class DevicePropertiesTest {
    private static final NodeLimits EVERYTHING =
            NodeLimits.SECTORS.withRanges(RangeLimits.alignedTo(512), RangeLimits.alignedTo(512), true);

    /** A node of which only its limits matter. */
    private record Limited(NodeLimits limits, boolean readOnly) implements BlockNode {
        @Override
        public String nodeName() {
            return "limited";
        }

        @Override
        public String driver() {
            return "limited";
        }

        @Override
        public long sizeBytes() {
            return 1 << 30;
        }

        @Override
        public NodeChannel open(IoContext context) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    private static BlkProperties properties(NodeLimits limits, String rest) {
        DeviceConfig device = ConfigLoader.of(ConfigFactory.parseString(
                        "drives.d { driver = null-co }\ndevices.vda { drive = d, transport.path = s, " + rest + " }"),
                Cpus.online()).devices().get("vda");
        return DeviceProperties.of(device, new Limited(limits, false), 1);
    }

    @Test
    @Tag("virtio-1.3-5.2.5/discard-limits")
    @Tag("virtio-1.3-5.2.5/write-zeroes-limits")
    void offersTheNodesRangesWithinTheConfiguration() {
        BlkProperties all = properties(EVERYTHING, "");
        assertEquals(new BlkProperties.Discard(true, 4194303, 16, 1), all.discard());
        assertEquals(new BlkProperties.WriteZeroes(true, 4194303, 16, true), all.writeZeroes());

        BlkProperties wished = properties(EVERYTHING, "max-discard-sectors = 100, max-write-zeroes-sectors = 200");
        assertEquals(100, wished.discard().maxSectors());
        assertEquals(200, wished.writeZeroes().maxSectors());

        NodeLimits small = NodeLimits.SECTORS.withRanges(
                new RangeLimits(true, 40 * 512, 8192), new RangeLimits(true, 30 * 512 + 100, 512), false);
        assertEquals(new BlkProperties.Discard(true, 40, 16, 16), properties(small, "").discard());
        assertEquals(new BlkProperties.WriteZeroes(true, 30, 16, false), properties(small, "").writeZeroes());
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/may-unmap")
    void saysThatZeroesMayDeallocateOnlyWhereTheyCan() {
        assertTrue(properties(EVERYTHING, "").writeZeroes().mayUnmap());
        NodeLimits never = NodeLimits.SECTORS.withRanges(RangeLimits.alignedTo(512), RangeLimits.alignedTo(512), false);
        assertFalse(properties(never, "").writeZeroes().mayUnmap());
    }

    @Test
    void offersNothingThatTheNodeCannotDo() {
        long features = BlkFeatures.offered(properties(NodeLimits.SECTORS, ""), 0);
        assertEquals(0, features & (BlkLayout.F_DISCARD | BlkLayout.F_WRITE_ZEROES));
        features = BlkFeatures.offered(properties(EVERYTHING, "read-only = on"), 0);
        assertEquals(BlkLayout.F_RO, features & (BlkLayout.F_RO | BlkLayout.F_DISCARD | BlkLayout.F_WRITE_ZEROES));
    }

    @Test
    @Tag("viostor/discard-granularity")
    void tellsAGranularityOfAtLeastOneLogicalBlock() {
        assertEquals(1, properties(EVERYTHING, "").discard().alignmentSectors());
        assertEquals(8, properties(EVERYTHING, "logical_block_size = 4096, physical_block_size = 4096")
                .discard().alignmentSectors());
        assertEquals(64, properties(EVERYTHING, "discard_granularity = 32768").discard().alignmentSectors());
        NodeLimits coarse = NodeLimits.SECTORS.withRanges(
                RangeLimits.alignedTo(1 << 20), RangeLimits.UNSUPPORTED, false);
        assertEquals(2048, properties(coarse, "").discard().alignmentSectors());
    }

    @Test
    void countsRangesInWholeLogicalBlocks() {
        BlkProperties large = properties(EVERYTHING, "logical_block_size = 4096, physical_block_size = 4096");
        assertEquals(4194296, large.discard().maxSectors());
        BlkProperties tiny = properties(
                EVERYTHING, "logical_block_size = 4096, physical_block_size = 4096, max-discard-sectors = 1");
        assertEquals(8, tiny.discard().maxSectors(), "a block is the least");
    }

    @Test
    @Tag("viostor/seg-max")
    @Tag("viostor/size-max")
    void offersFewerSegmentsThanTheWindowsDriverHasRoomForAndNoSegmentSize() {
        assertEquals(254, properties(EVERYTHING, "").segMax());
        assertEquals(512, properties(EVERYTHING, "queue-size = 1024").segMax());
        assertEquals(512, properties(EVERYTHING, "queue-size = 32768").segMax());
        assertEquals(2, properties(EVERYTHING, "queue-size = 4").segMax());
        assertEquals(0, BlkFeatures.offered(properties(EVERYTHING, ""), 0) & BlkLayout.F_SIZE_MAX);
    }

    @Test
    @Tag("viostor/discard-segments")
    void offersNoMoreRangesThanTheWindowsDriverHasRoomFor() {
        assertTrue(properties(EVERYTHING, "").discard().maxSegments() <= 16);
    }
}
