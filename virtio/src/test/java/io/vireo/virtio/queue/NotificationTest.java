package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.GuestRing.readable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class NotificationTest {
    private static final int SIZE = 16;

    private final GuestRing guest = new GuestRing(SIZE, 64 << 10);
    private final Virtqueue byFlags = guest.virtqueue(0);
    private final Virtqueue byEvent = guest.virtqueue(VirtqueueLayout.RING_F_EVENT_IDX);
    private final Chain chain = new Chain(SIZE);

    NotificationTest() {
        long page = guest.allocate(4096, 4096);
        for (int i = 0; i < SIZE; i++) guest.chain(i, readable(page, 16));
    }

    @AfterEach
    void free() {
        guest.close();
    }

    private void serve(Virtqueue queue, int count) {
        for (int i = 0; i < count; i++) {
            guest.publish(i % SIZE);
            queue.poll(guest.memory(), chain);
            queue.pushUsed(chain.id(), 0);
            queue.publishUsed();
        }
    }

    @Test
    void wantsNoCallWhenNothingWasPublished() {
        assertFalse(byFlags.needsCall());
        assertFalse(byEvent.needsCall());
        serve(byEvent, 1);
        assertTrue(byEvent.needsCall());
        assertFalse(byEvent.needsCall());
    }

    @Test
    @Tag("virtio-1.3-2.7.7.2")
    @Tag("virtio-1.3-2.7.7.2/no-interrupt")
    @Tag("virtio-1.3-2.7.7.2/used-event-unread")
    void callsWithoutEventIndexUnlessTheDriverSetNoInterrupt() {
        guest.usedEvent(1000); // means nothing then
        serve(byFlags, 3);
        assertTrue(byFlags.needsCall());
        guest.availFlags(VirtqueueLayout.AVAIL_F_NO_INTERRUPT);
        serve(byFlags, 3);
        assertFalse(byFlags.needsCall());
        guest.availFlags(0);
        serve(byFlags, 1);
        assertTrue(byFlags.needsCall());
    }

    @Test
    @Tag("virtio-1.3-2.7.7.2")
    @Tag("virtio-1.3-2.7.7.2/used-event")
    void callsWithEventIndexWhenUsedEventIsPassed() {
        guest.usedEvent(0);
        serve(byEvent, 1);
        assertTrue(byEvent.needsCall());
        guest.usedEvent(3);
        serve(byEvent, 2);
        assertFalse(byEvent.needsCall(), "used.idx is 3, element 3 is not there");
        serve(byEvent, 1);
        assertTrue(byEvent.needsCall());
        serve(byEvent, 5);
        assertFalse(byEvent.needsCall(), "the event is behind");
    }

    @Test
    @Tag("virtio-1.3-2.7.7.2/flag-unread")
    void ignoresNoInterruptWhenEventIndexWasNegotiated() {
        guest.availFlags(VirtqueueLayout.AVAIL_F_NO_INTERRUPT);
        serve(byEvent, 1);
        assertTrue(byEvent.needsCall());
    }

    @Test
    void callsTheFirstTimeWhateverUsedEventSays() {
        guest.usedEvent(0x4000);
        serve(byEvent, 1);
        assertTrue(byEvent.needsCall(), "what an earlier device told the driver is not known");
        serve(byEvent, 1);
        assertFalse(byEvent.needsCall());
    }

    @Test
    @Tag("virtio-1.3-2.7.7.2/used-event")
    void callsAfterAWholeTurnOfTheIndexWithoutALook() {
        serve(byEvent, 1);
        byEvent.needsCall();
        guest.usedEvent(0);
        serve(byEvent, 0xFFFF);
        assertFalse(byEvent.needsCall(), "65535 elements from 1 on do not reach element 0 of the next turn");
        guest.usedEvent(0x8000);
        serve(byEvent, 0x10000 + 7);
        assertTrue(byEvent.needsCall());
    }

    @Test
    void callsForElementsGatheredOverSeveralPublications() {
        serve(byEvent, 1);
        byEvent.needsCall();
        guest.usedEvent(2);
        for (int i = 0; i < 5; i++) serve(byEvent, 1);
        assertTrue(byEvent.needsCall());
    }

    @Test
    @Tag("virtio-1.3-2.7.10")
    @Tag("virtio-1.3-2.7.10.2/flag")
    void asksForKicksByFlagWithoutEventIndex() {
        byFlags.suppressKicks();
        assertEquals(VirtqueueLayout.USED_F_NO_NOTIFY, guest.usedFlags());
        assertFalse(byFlags.enableKicks());
        assertEquals(0, guest.usedFlags());
        assertEquals(0, guest.availEvent());
    }

    @Test
    @Tag("virtio-1.3-2.7.10")
    @Tag("virtio-1.3-2.7.10.2/event")
    void asksForAKickAtTheNextChainWithEventIndex() {
        serve(byEvent, 5);
        assertFalse(byEvent.enableKicks());
        assertEquals(5, guest.availEvent());
        byEvent.suppressKicks();
        assertEquals(0, guest.usedFlags());
        serve(byEvent, 2);
        assertEquals(5, guest.availEvent(), "polling leaves it behind");
        byEvent.enableKicks();
        assertEquals(7, guest.availEvent());
    }

    @Test
    @Tag("virtio-1.3-2.7.10.2/lost")
    void seesAChainPublishedBeforeTheWishForKicks() {
        guest.publish(0);
        assertTrue(byFlags.enableKicks());
        assertTrue(byEvent.enableKicks());
        assertTrue(byEvent.poll(guest.memory(), chain));
        assertFalse(byEvent.enableKicks());
    }

    @Test
    void writesNoWishTwice() {
        byEvent.enableKicks();
        guest.availEvent(0x77);
        byEvent.enableKicks();
        assertEquals(0x77, guest.availEvent());
    }
}
