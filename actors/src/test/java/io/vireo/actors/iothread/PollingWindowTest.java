package io.vireo.actors.iothread;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PollingWindowTest {
    private static final long MAX = 32_000;

    @Test
    void startsWithoutSpinning() {
        assertEquals(0, new PollingWindow(MAX, 2, 0).nanos());
    }

    @Test
    void growsFromItsStartByItsFactorUpToTheLongest() {
        PollingWindow window = new PollingWindow(MAX, 3, 0);
        long[] expected = {4_000, 12_000, 32_000, 32_000};
        for (long nanos : expected) {
            window.idled(window.nanos() + 1 > MAX ? MAX : window.nanos() + 1);
            assertEquals(nanos, window.nanos());
        }
    }

    @Test
    void doublesWhenNoFactorIsGiven() {
        PollingWindow window = new PollingWindow(MAX, 0, 0);
        window.idled(1);
        window.idled(5_000);
        assertEquals(8_000, window.nanos());
    }

    @Test
    void staysWhenPollingBridgedTheGap() {
        PollingWindow window = new PollingWindow(MAX, 2, 0);
        window.idled(1);
        window.idled(4_000);
        assertEquals(4_000, window.nanos());
    }

    @Test
    void fallsToNothingAfterALongGapWithoutADivisor() {
        PollingWindow window = grown(0);
        window.idled(MAX + 1);
        assertEquals(0, window.nanos());
    }

    @Test
    void shrinksByItsDivisorAfterALongGap() {
        PollingWindow window = grown(4);
        window.idled(MAX + 1);
        assertEquals(8_000, window.nanos());
    }

    @Test
    void neverPollsWhenTheLongestIsZero() {
        PollingWindow window = new PollingWindow(0, 2, 0);
        window.idled(1);
        window.idled(1_000_000);
        assertEquals(0, window.nanos());
    }

    private static PollingWindow grown(int shrink) {
        PollingWindow window = new PollingWindow(MAX, 2, shrink);
        for (int i = 0; i < 8; i++) window.idled(Math.min(MAX, window.nanos() + 1));
        assertEquals(MAX, window.nanos());
        return window;
    }
}
