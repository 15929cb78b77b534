package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.GuestRing.readable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class PackedNotificationTest {
    private static final int SIZE = 8;
    private static final int ENABLE = 0;
    private static final int DISABLE = 1;
    private static final int DESC = 2;
    private static final int WRAP = 0x8000;

    private final PackedGuestRing guest = new PackedGuestRing(SIZE, 64 << 10);
    private final Virtqueue byFlags = guest.virtqueue(0);
    private final Virtqueue byEvent = guest.virtqueue(VirtqueueLayout.RING_F_EVENT_IDX);
    private final Chain chain = new Chain(SIZE);
    private final long page = guest.allocate(4096, 4096);

    @AfterEach
    void free() {
        guest.close();
    }

    /** That many chains of two descriptors. */
    private void serve(Virtqueue queue, int count) {
        for (int i = 0; i < count; i++) {
            guest.offer(0, readable(page, 16), readable(page, 16));
            assertTrue(queue.poll(guest.memory(), chain));
            queue.pushUsed(chain.id(), 0);
            queue.publishUsed();
        }
    }

    @Test
    @Tag("virtio-1.3-2.8.10")
    @Tag("virtio-1.3-2.8.10/call")
    void callsUnlessTheDriverDisabledIt() {
        assertFalse(byFlags.needsCall());
        serve(byFlags, 3);
        assertTrue(byFlags.needsCall());
        assertFalse(byFlags.needsCall(), "once");
        guest.driverEvent(0, DISABLE);
        serve(byFlags, 3);
        assertFalse(byFlags.needsCall());
        guest.driverEvent(0, ENABLE);
        serve(byFlags, 1);
        assertTrue(byFlags.needsCall());
        guest.driverEvent(0, 3);
        serve(byFlags, 1);
        assertTrue(byFlags.needsCall(), "a call too many harms nobody");
    }

    @Test
    @Tag("virtio-1.3-2.8.10")
    @Tag("virtio-1.3-2.8.10/call")
    void callsWhenTheDescriptorOfTheEventIsUsed() {
        serve(byEvent, 1);
        assertTrue(byEvent.needsCall(), "the first time: what an earlier device told the driver is not known");
        guest.driverEvent(4 | WRAP, DESC);
        serve(byEvent, 1);
        assertFalse(byEvent.needsCall(), "2 and 3");
        serve(byEvent, 1);
        assertTrue(byEvent.needsCall(), "4 and 5");
        serve(byEvent, 1);
        assertFalse(byEvent.needsCall(), "6 and 7");
        serve(byEvent, 3);
        assertFalse(byEvent.needsCall(), "0 to 5 of the next lap, whose wrap counter is another");
        guest.driverEvent(1 | WRAP, DESC);
        serve(byEvent, 2);
        assertTrue(byEvent.needsCall(), "6, 7, and 0 and 1 of the lap after: the event lies within a chain");
    }

    @Test
    @Tag("virtio-1.3-2.8.10/call")
    void callsForAnEventInALapThatWasPassedUnseen() {
        serve(byEvent, 1);
        byEvent.needsCall();
        guest.driverEvent(1 | WRAP, DESC);
        serve(byEvent, 7);
        assertFalse(byEvent.needsCall(), "2 of the first lap to 7 of the second");
        serve(byEvent, SIZE);
        assertTrue(byEvent.needsCall(), "two laps pass every event");
    }

    @Test
    void callsWhenTheDriverWantsAnEventThatWasNotNegotiated() {
        guest.driverEvent(5, DESC);
        serve(byFlags, 1);
        byFlags.needsCall();
        serve(byFlags, 1);
        assertTrue(byFlags.needsCall());
    }

    @Test
    @Tag("virtio-1.3-2.8.10")
    @Tag("virtio-1.3-2.8.10/kick")
    void asksForKicksByFlagWithoutEventIndex() {
        byFlags.suppressKicks();
        assertEquals(DISABLE, guest.deviceEventFlags());
        assertFalse(byFlags.enableKicks());
        assertEquals(ENABLE, guest.deviceEventFlags());
        assertEquals(0, guest.deviceEventOffWrap());
    }

    @Test
    @Tag("virtio-1.3-2.8.10")
    @Tag("virtio-1.3-2.8.10/kick")
    void asksForAKickAtTheNextDescriptorWithEventIndex() {
        serve(byEvent, 3);
        assertFalse(byEvent.enableKicks());
        assertEquals(6 | WRAP, guest.deviceEventOffWrap());
        assertEquals(DESC, guest.deviceEventFlags());
        byEvent.suppressKicks();
        assertEquals(DISABLE, guest.deviceEventFlags());
        serve(byEvent, 2);
        byEvent.enableKicks();
        assertEquals(2, guest.deviceEventOffWrap());
        assertEquals(DESC, guest.deviceEventFlags());
    }

    @Test
    @Tag("virtio-1.3-2.8.10/kick")
    void seesAChainPublishedBeforeTheWishForKicks() {
        guest.offer(0, readable(page, 16));
        assertTrue(byFlags.enableKicks());
        assertTrue(byEvent.enableKicks());
        assertTrue(byEvent.poll(guest.memory(), chain));
        assertFalse(byEvent.enableKicks());
    }

    @Test
    void writesNoWishTwice() {
        byEvent.enableKicks();
        guest.deviceEvent(0x77, 3);
        byEvent.enableKicks();
        assertEquals(0x77, guest.deviceEventOffWrap());
        assertEquals(3, guest.deviceEventFlags());
    }
}
