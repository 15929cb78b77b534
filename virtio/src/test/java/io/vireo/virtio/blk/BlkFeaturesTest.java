package io.vireo.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.blk.BlkProperties.Discard;
import io.vireo.virtio.blk.BlkProperties.WriteZeroes;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class BlkFeaturesTest {
    private static final long RING_FEATURES = 1L << 29 | 1L << 34 | 1L << 35 | 1L << 40;

    @Test
    @Tag("virtio-1.3-5.2.3/2-seg-max")
    @Tag("virtio-1.3-5.2.3/4-geometry")
    @Tag("virtio-1.3-5.2.3/6-blk-size")
    @Tag("virtio-1.3-5.2.3/9-flush")
    @Tag("virtio-1.3-5.2.3/10-topology")
    @Tag("virtio-1.3-5.2.3/11-config-wce")
    @Tag("virtio-1.3-5.2.3/12-mq")
    @Tag("virtio-1.3-5.2.3/13-discard")
    @Tag("virtio-1.3-5.2.3/14-write-zeroes")
    @Tag("virtio-1.3-5.2.5/flush-offered")
    @Tag("virtio-1.3-2.2.2/required-features")
    @Tag("virtio-1.3-2.9/notification-data")
    @Tag("virtio-1.3-6.2/version-1")
    void offersWhatAWritableDiskHas() {
        assertEquals(
                "VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_F_BLK_SIZE, VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_TOPOLOGY, "
                        + "VIRTIO_BLK_F_CONFIG_WCE, VIRTIO_BLK_F_MQ, VIRTIO_BLK_F_DISCARD, VIRTIO_BLK_F_WRITE_ZEROES, "
                        + "VIRTIO_F_EVENT_IDX, VIRTIO_F_VERSION_1, VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_RING_RESET",
                BlkFeatures.describe(BlkFeatures.offered(Devices.disk(1 << 20), RING_FEATURES)));
    }

    @Test
    @Tag("virtio-1.3-5.2.3/5-ro")
    @Tag("virtio-1.3-2.2.2/required-features")
    void offersReadOnlyInsteadOfWhatWrites() {
        long features = BlkFeatures.offered(Devices.disk(1 << 20, 512, true), 0);
        assertEquals(BlkLayout.F_RO, features & (BlkLayout.F_RO | BlkLayout.F_DISCARD | BlkLayout.F_WRITE_ZEROES));
    }

    @Test
    @Tag("virtio-1.3-5.2.3/1-size-max")
    void offersASegmentSizeOnlyWhenThereIsALimit() {
        BlkProperties limited = new BlkProperties(
                512, 512, 512, 0, 0, 1, 65536, 1, false, true, Discard.NONE, WriteZeroes.NONE, "");
        long features = BlkFeatures.offered(limited, 0);
        assertEquals(BlkLayout.F_SIZE_MAX,
                features & (BlkLayout.F_SIZE_MAX | BlkLayout.F_DISCARD | BlkLayout.F_WRITE_ZEROES));
    }

    @Test
    @Tag("virtio-1.3-2.2.1")
    void namesTheBitsThatWereNotOffered() {
        long offered = BlkFeatures.offered(Devices.disk(512), 0);
        assertDoesNotThrow(() -> BlkFeatures.checkAccepted(offered, offered));
        assertDoesNotThrow(() -> BlkFeatures.checkAccepted(offered, 0));
        String message = assertThrows(IllegalArgumentException.class,
                () -> BlkFeatures.checkAccepted(offered, offered | BlkLayout.F_RO | 1L << 63)).getMessage();
        assertTrue(message.endsWith(": VIRTIO_BLK_F_RO, bit 63"), message);
    }
}
