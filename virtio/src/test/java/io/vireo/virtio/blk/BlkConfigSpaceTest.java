package io.vireo.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class BlkConfigSpaceTest {
    private static final long WCE = BlkLayout.F_CONFIG_WCE;
    private static final long FLUSH = BlkLayout.F_FLUSH;

    private final BlkConfigSpace config = new BlkConfigSpace(Devices.disk(3L << 40, 1024, false));

    @Test
    @Tag("virtio-1.3-5.2.4/layout")
    @Tag("virtio-1.3-5.2.5/padding")
    @Tag("virtio-1.3-2.5.2/readable-early")
    void laysTheDeviceOut() {
        // written out by hand from the structure of 5.2.4
        ByteBuffer expected = ByteBuffer.allocate(60).order(ByteOrder.LITTLE_ENDIAN);
        expected.putLong(6442450944L).putInt(0).putInt(254).putInt(0).putInt(1024);
        expected.put((byte) 2).put((byte) 0).putShort((short) 4).putInt(64);
        expected.put((byte) 1).put((byte) 0).putShort((short) 2);
        expected.putInt(4096).putInt(1).putInt(8);
        expected.putInt(2048).putInt(1).put((byte) 1);
        assertArrayEquals(expected.array(), config.read(0, 60));
    }

    @Test
    @Tag("virtio-1.3-2.5.1")
    void anotherCapacityIsAnotherGenerationAndChangesNothingElse() {
        byte[] before = config.read(0, 60);
        int generation = config.generation();
        config.write(BlkLayout.CONFIG_WRITEBACK, new byte[] {0});
        assertEquals(generation, config.generation(), "the driver knows of its own change");
        config.resize(123);
        assertEquals(generation + 2, config.generation(), "before and after");
        byte[] after = config.read(0, 60);
        assertEquals(123, ByteBuffer.wrap(after).order(ByteOrder.LITTLE_ENDIAN).getLong());
        before[BlkLayout.CONFIG_WRITEBACK] = 0;
        assertArrayEquals(Arrays.copyOfRange(before, 8, 60), Arrays.copyOfRange(after, 8, 60));
    }

    @Test
    void tellsNothingOfWhatAReadOnlyDeviceDoesNotDo() {
        byte[] bytes = new BlkConfigSpace(Devices.disk(1 << 20, 512, true)).read(36, 24);
        assertArrayEquals(new byte[24], bytes);
    }

    @Test
    @Tag("viostor/field-by-field")
    @Tag("virtio-1.3-2.5.2/readable-early")
    void fillsWithZeroesPastItsEnd() {
        byte[] whole = config.read(0, 256);
        assertArrayEquals(config.read(0, 60), Arrays.copyOf(whole, 60));
        assertArrayEquals(new byte[196], Arrays.copyOfRange(whole, 60, 256));
        assertArrayEquals(new byte[96], config.read(160, 96));
        for (int offset = 0; offset < 256; offset++) {
            for (int length : new int[] {1, 2, 8, 256 - offset}) {
                if (offset + length > 256) continue;
                assertArrayEquals(Arrays.copyOfRange(whole, offset, offset + length), config.read(offset, length));
            }
        }
    }

    @Test
    void refusesToReadNothingOrFurtherThanAnybodyDoes() {
        int[][] ranges = {{0, 0}, {0, -1}, {0, 257}, {-1, 4}, {256, 1}, {255, 2}, {1, Integer.MAX_VALUE}};
        for (int[] range : ranges) {
            assertThrows(IllegalArgumentException.class, () -> config.read(range[0], range[1]));
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.5/read-only-fields")
    @Tag("viostor/cache-mode-byte")
    void letsTheDriverWriteTheCacheModeAndNothingElse() {
        assertTrue(config.writeback());
        assertTrue(config.write(32, new byte[] {0}));
        assertFalse(config.writeback());
        assertEquals(0, config.read(32, 1)[0]);
        assertTrue(config.write(32, new byte[] {1}));
        assertEquals(1, config.read(30, 4)[2]);

        byte[] before = config.read(0, 256);
        assertFalse(config.write(32, new byte[] {2}));
        assertFalse(config.write(32, new byte[] {-1}));
        assertFalse(config.write(32, new byte[] {0, 0}));
        assertFalse(config.write(32, new byte[0]));
        assertFalse(config.write(31, new byte[] {0}));
        assertFalse(config.write(0, new byte[60]));
        assertArrayEquals(before, config.read(0, 256));
    }

    @Test
    @Tag("virtio-1.3-5.2.5/cache-mode-byte")
    @Tag("virtio-1.3-5.2.6.2/stable-write-through")
    void isAsTheByteSaysForADriverThatMaySwitchIt() {
        assertTrue(config.isWriteBack(WCE | FLUSH));
        config.write(32, new byte[] {0});
        assertFalse(config.isWriteBack(WCE | FLUSH));
        config.write(32, new byte[] {1});
        assertTrue(config.isWriteBack(WCE | FLUSH));
        assertTrue(config.isWriteBack(WCE), "a driver that asked for it, and cannot flush");
    }

    @Test
    @Tag("virtio-1.3-5.2.5/cache-mode-flush")
    void isWriteBackForADriverThatFlushesAndCannotSwitch() {
        assertTrue(config.isWriteBack(FLUSH));
        config.write(32, new byte[] {0});
        assertTrue(config.isWriteBack(FLUSH), "without CONFIG_WCE the byte means nothing");
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/stable-without-flush")
    void isWriteThroughForADriverThatNeitherFlushesNorSwitches() {
        assertFalse(config.isWriteBack(0));
        config.write(32, new byte[] {1});
        assertFalse(config.isWriteBack(0));
    }

    @Test
    void isWriteThroughWhereThatIsConfiguredUntilADriverSwitches() {
        BlkConfigSpace through = new BlkConfigSpace(Devices.writeThrough(1 << 20));
        assertFalse(through.writeback());
        assertFalse(through.isWriteBack(FLUSH), "it may flush, and need not");
        assertFalse(through.isWriteBack(0));
        assertFalse(through.isWriteBack(WCE | FLUSH));
        through.write(32, new byte[] {1});
        assertTrue(through.isWriteBack(WCE | FLUSH));
        assertFalse(through.isWriteBack(FLUSH));
    }

    @Test
    @Tag("virtio-1.3-5.2.5/cache-mode-after-reset")
    void keepsTheModeOverAReset() {
        config.write(32, new byte[] {0});
        config.driverGone();
        assertFalse(config.writeback());
        assertEquals(0, config.read(32, 1)[0]);
        config.accepted(WCE | FLUSH);
        assertFalse(config.isWriteBack(WCE | FLUSH));
    }

    @Test
    @Tag("vhost-user-RESET_DEVICE")
    void hasTheConfiguredModeWhenTheDriverStartsOver() {
        config.write(32, new byte[] {0});
        config.reset();
        assertTrue(config.writeback());
    }

    @Test
    @Tag("virtio-1.3-5.2.5/config-wce-without-flush")
    void beginsWriteThroughForADriverThatCannotFlush() {
        config.accepted(WCE | FLUSH);
        assertTrue(config.writeback());
        config.accepted(WCE);
        assertFalse(config.writeback());
        assertFalse(config.isWriteBack(WCE));
    }
}
