package io.vireo.virtio.blk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vireo.virtio.blk.BlkProperties.Discard;
import io.vireo.virtio.blk.BlkProperties.WriteZeroes;
import org.junit.jupiter.api.Test;

class BlkPropertiesTest {
    private static void refused(
            long capacity, int logical, int physical, int minIo, int optIo, int segMax, int queues) {
        assertThrows(IllegalArgumentException.class, () -> new BlkProperties(capacity, logical, physical, minIo, optIo,
                segMax, 0, queues, false, true, Discard.NONE, WriteZeroes.NONE, ""));
    }

    @Test
    void refusesDevicesThatCannotBe() {
        refused(513, 512, 512, 0, 0, 1, 1);
        refused(-512, 512, 512, 0, 0, 1, 1);
        refused(512, 256, 512, 0, 0, 1, 1);
        refused(512, 1536, 4096, 0, 0, 1, 1);
        refused(512, 4096, 512, 0, 0, 1, 1);
        refused(512, 4096, 4096, 512, 0, 1, 1);
        refused(512, 512, 512, 512 * 65536, 0, 1, 1);
        refused(512, 512, 512, 0, 100, 1, 1);
        refused(512, 512, 512, 0, 0, 0, 1);
        refused(512, 512, 512, 0, 0, 1, 0);
        refused(512, 512, 512, 0, 0, 1, 65536);
    }

    @Test
    void refusesLimitsThatTheReaderDoesNotKeep() {
        assertThrows(IllegalArgumentException.class, () -> new Discard(true, 1, 17, 1));
        assertThrows(IllegalArgumentException.class, () -> new Discard(false, 0, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Discard(true, 0, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new Discard(true, 8, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> new WriteZeroes(true, 1, 0, false));
    }

    @Test
    void measuresTheSerialInBytes() {
        BlkProperties disk = Devices.disk(512);
        assertThrows(IllegalArgumentException.class, () -> withSerial(disk, "é".repeat(11)));
        assertEquals("é".repeat(10), withSerial(disk, "é".repeat(10)).serial());
    }

    private static BlkProperties withSerial(BlkProperties p, String serial) {
        return new BlkProperties(
                p.capacityBytes(), 512, 512, 0, 0, 1, 0, 1, false, true, Discard.NONE, WriteZeroes.NONE, serial);
    }

    @Test
    void neitherDiscardsNorZeroesOnAReadOnlyDevice() {
        BlkProperties readOnly = Devices.disk(512, 512, true);
        assertFalse(readOnly.discards());
        assertFalse(readOnly.writesZeroes());
    }

    @Test
    void changesNothingButTheSizeOnResize() {
        BlkProperties disk = Devices.disk(1 << 20);
        BlkProperties grown = disk.withCapacityBytes(2 << 20);
        assertEquals(4096, grown.capacitySectors());
        assertEquals(disk, grown.withCapacityBytes(1 << 20));
    }
}
