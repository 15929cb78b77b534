package io.vireo.actors.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class AcceptPauseTest {
    private final AcceptPause pause = new AcceptPause();

    @Test
    void endsOnceASecondAfterItBeganHoweverOftenItIsAsked() {
        long begin = Long.MAX_VALUE - 10; // nanoTime may wrap
        assertFalse(pause.isOver(begin));
        pause.begin(begin);
        assertTrue(pause.isOn());
        assertEquals(AcceptPause.NANOS, pause.waitNanos(begin));
        for (long nanos = 0; nanos < AcceptPause.NANOS; nanos += AcceptPause.NANOS / 10) assertFalse(pause.isOver(begin + nanos));
        assertTrue(pause.isOver(begin + AcceptPause.NANOS));
        assertFalse(pause.isOn());
        assertFalse(pause.isOver(begin + 2 * AcceptPause.NANOS));
    }
}
