package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StaggerTest {
    private final Stagger stagger = new Stagger();

    @Test
    void holdsNothingBackFromADriverThatIsAwake() {
        assertEquals(0, stagger.holdBack(32, 0));
        stagger.decided(false);
        assertEquals(0, stagger.holdBack(32, 0));
        assertFalse(stagger.isHolding());
    }

    @Test
    void holdsHalfBackFromADriverThatSleeps() {
        stagger.decided(true);
        assertEquals(16, stagger.holdBack(32, 0));
        assertTrue(stagger.isHolding());
    }

    @Test
    void holdsNothingOfAFew() {
        stagger.decided(true);
        assertEquals(0, stagger.holdBack(Stagger.DONE_MIN - 1, 0));
        assertFalse(stagger.isHolding());
    }

    @Test
    void goesOnWhileTheDriverComesBack() {
        stagger.decided(true);
        for (int i = 0; i < 100; i++) {
            assertEquals(8, stagger.holdBack(16, i));
            stagger.released(true);
            assertFalse(stagger.isHolding());
        }
    }

    @Test
    void holdsFromTheFirstThatIsHeldOnEvenWhenMoreJoin() {
        stagger.decided(true);
        stagger.holdBack(16, 1000);
        stagger.holdBack(64, 1000 + Stagger.HOLD_NANOS);
        assertFalse(stagger.isHeldTooLong(1000 + Stagger.HOLD_NANOS));
        assertTrue(stagger.isHeldTooLong(1001 + Stagger.HOLD_NANOS));
    }

    @Test
    void leavesADriverAloneLongerAndLongerThatDoesNotComeBack() {
        stagger.decided(true);
        int chances = 0;
        int held = 0;
        for (; chances < 100_000; chances++) {
            if (stagger.holdBack(16, 0) == 0) continue;
            held++;
            stagger.released(false);
        }
        assertTrue(held < 12 + chances / Stagger.PASS_MAX + 1, "held back " + held + " times of " + chances);
        assertTrue(held > 12, "never tried again: " + held);
    }
}
