package io.vireo.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class EventIdxTest {
    /** Every distance from old to event and every move, at old indices on and around the wrap; walked, not computed. */
    @Test
    @Tag("virtio-1.3-2.7.10")
    @Tag("virtio-1.3-2.7.7.2/used-event")
    void tellsExactlyWhenTheMovePassesTheEvent() {
        for (int old : new int[] {0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF}) {
            for (int eventDistance = 0; eventDistance < 0x10000; eventDistance++) {
                int event = (old + eventDistance) & 0xFFFF;
                // the entry written at index event is the one that tells: moves of more than eventDistance entries
                check(false, event, old, eventDistance);
                check(eventDistance < 0xFFFF, event, old, Math.min(eventDistance + 1, 0xFFFF));
                check(eventDistance < 0xFFFF, event, old, 0xFFFF);
                check(false, event, old, 0);
                check(eventDistance < 1, event, old, 1);
                check(eventDistance < 256, event, old, 256);
            }
        }
    }

    private static void check(boolean expected, int event, int old, int moved) {
        boolean needed = EventIdx.needEvent(event, (old + moved) & 0xFFFF, old);
        if (needed != expected) {
            assertEquals(expected, needed, "event=" + event + " old=" + old + " moved=" + moved);
        }
    }

    @Test
    @Tag("virtio-1.3-2.7.7")
    void tellsOnceForEachEventOverAWholeTurnOfTheIndex() {
        for (int step : new int[] {1, 3, 64, 255, 32768}) {
            int told = 0;
            int event = 0x1234;
            int old = 0xFF00;
            for (int moved = 0; moved < 0x10000; ) {
                int now = Math.min(step, 0x10000 - moved);
                if (EventIdx.needEvent(event, (old + now) & 0xFFFF, old)) told++;
                old = (old + now) & 0xFFFF;
                moved += now;
            }
            assertEquals(1, told, "step " + step);
        }
    }

    @Test
    void ignoresBitsAboveSixteen() {
        assertEquals(true, EventIdx.needEvent(0xFFFF, 0x10000, 0xFFFF));
        assertEquals(true, EventIdx.needEvent(0xFFFF, 0, -1));
    }
}
