package io.vireo.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RingFormatTest {
    private final List<String> areas = new ArrayList<>();

    private VirtqueueAreas locate(RingFormat format, int size, long descriptor, long driver, long device) {
        return format.locate(size, descriptor, driver, device, (area, address, lengthBytes) -> {
            areas.add(area + " " + lengthBytes);
            return address;
        });
    }

    @Test
    @Tag("virtio-1.3-2.7")
    @Tag("virtio-1.3-2.8.10.1")
    void asksForEachAreaAtItsSize() {
        assertEquals(new VirtqueueAreas(0x1000, 0x2000, 0x3000), locate(RingFormat.SPLIT, 8, 0x1000, 0x2000, 0x3000));
        assertEquals(List.of("descriptor table 128", "available ring 22", "used ring 70"), areas);
        areas.clear();
        locate(RingFormat.PACKED, 7, 0x1000, 0x2000, 0x3000);
        assertEquals(
                List.of("descriptor ring 112", "driver event suppression 4", "device event suppression 4"), areas);
    }

    @ParameterizedTest
    @CsvSource({"SPLIT, 8, 0, 0", "SPLIT, 0, 1, 0", "SPLIT, 0, 0, 2", "PACKED, 8, 0, 0", "PACKED, 0, 2, 0", "PACKED, 0, 0, 2"})
    @Tag("virtio-1.3-2.7.1")
    @Tag("virtio-1.3-2.8.11")
    @Tag("virtio-1.3-2.7/alignment")
    @Tag("virtio-1.3-2.8.10.1/areas")
    void refusesAnAreaThatIsNotAligned(RingFormat format, long descriptor, long driver, long device) {
        assertThrows(IllegalArgumentException.class,
                () -> locate(format, 8, 0x1000 + descriptor, 0x2000 + driver, 0x3000 + device));
    }

    @Test
    void isWhatTheDriverAccepted() {
        assertEquals(RingFormat.SPLIT, RingFormat.of(VirtqueueLayout.F_VERSION_1));
        assertEquals(RingFormat.PACKED, RingFormat.of(1L << 34 | VirtqueueLayout.F_VERSION_1));
    }

    @Test
    @Tag("virtio-1.3-2.8.10.1")
    @Tag("virtio-1.3-2.7/size")
    void wantsAPowerOfTwoOfASplitVirtqueueOnly() {
        assertTrue(RingFormat.PACKED.isValidSize(1));
        assertTrue(RingFormat.PACKED.isValidSize(100));
        assertTrue(RingFormat.PACKED.isValidSize(32768));
        assertFalse(RingFormat.PACKED.isValidSize(32769));
        assertFalse(RingFormat.PACKED.isValidSize(0));
        assertFalse(RingFormat.SPLIT.isValidSize(100));
        assertFalse(RingFormat.SPLIT.isValidSize(1));
    }

    @Test
    @Tag("vhost-user-SET_VRING_BASE")
    @Tag("vhost-user/SET_VRING_BASE")
    void knowsTheBasesThatARingCanHave() {
        assertTrue(RingFormat.SPLIT.isValidBase(8, 0xFFFF));
        assertFalse(RingFormat.SPLIT.isValidBase(8, 0x10000));
        assertFalse(RingFormat.SPLIT.isValidBase(8, -1));
        assertEquals(0x8000_8000, RingFormat.PACKED.newBase());
        assertTrue(RingFormat.PACKED.isValidBase(8, 0x8000_8000));
        assertTrue(RingFormat.PACKED.isValidBase(8, 0x8007_8007));
        assertFalse(RingFormat.PACKED.isValidBase(8, 0x8000_8008), "available beyond the ring");
        assertFalse(RingFormat.PACKED.isValidBase(8, 0x8008_8000), "used beyond the ring");
        assertTrue(RingFormat.PACKED.isValidBase(8, 0x8003_0003), "a whole ring in flight");
        assertFalse(RingFormat.PACKED.isValidBase(8, 0x8003_0004), "more than a ring in flight");
        assertFalse(RingFormat.PACKED.isValidBase(8, 0x8003_8002), "used before it was available");
    }
}
