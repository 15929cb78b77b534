package io.vireo.actors.iothread;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PollingWindowTest {
    private static final long MAX = 32_000;

    @Test
    void startsWithoutSpinning() {
        assertEquals(0, PollingWindow.forDrivers(MAX, 2, 0).nanos());
    }

    @Test
    void growsFromItsStartByItsFactorUpToTheLongest() {
        PollingWindow window = PollingWindow.forDrivers(MAX, 3, 0);
        long[] expected = {4_000, 12_000, 32_000, 32_000};
        for (long nanos : expected) {
            window.idled(window.nanos() + 1 > MAX ? MAX : window.nanos() + 1, false);
            assertEquals(nanos, window.nanos());
        }
    }

    @Test
    void doublesWhenNoFactorIsGiven() {
        PollingWindow window = PollingWindow.forDrivers(MAX, 0, 0);
        window.idled(1, false);
        window.idled(5_000, false);
        assertEquals(8_000, window.nanos());
    }

    @Test
    void staysWhenPollingBridgedTheGap() {
        PollingWindow window = PollingWindow.forDrivers(MAX, 2, 0);
        window.idled(1, false);
        window.idled(4_000, false);
        assertEquals(4_000, window.nanos());
    }

    @Test
    void outlivesLongGapsWhileItMostlyPays() {
        PollingWindow window = grown(0);
        for (int i = 0; i < 100; i++) {
            window.idled(MAX + 1, true);
            assertEquals(MAX, window.nanos());
            window.idled(MAX, false);
        }
        for (int i = 0; i < 8; i++) window.idled(MAX * 100, true);
        assertEquals(MAX, window.nanos());
        window.idled(MAX * 100, true);
        assertEquals(0, window.nanos());
    }

    @Test
    void allowsForTheTimeOfWakingUp() {
        PollingWindow window = PollingWindow.forDrivers(MAX, 2, 0);
        window.idled(MAX + 20_000, true);
        assertEquals(4_000, window.nanos());
    }

    @Test
    void spinsForStorageOnlyAsLongAsWakingUpWouldTake() {
        PollingWindow window = PollingWindow.forStorage(MAX, 2, 0);
        for (int i = 0; i < 8; i++) window.idled(7_000, false);
        assertEquals(8_000, window.nanos());
        for (int i = 0; i < 9; i++) window.idled(60_000, true);
        assertEquals(0, window.nanos(), "a disk's time");
    }

    @Test
    void fallsToNothingAfterLongGapsWithoutADivisor() {
        PollingWindow window = grown(0);
        for (int i = 0; i < 9; i++) window.idled(MAX + 1, false);
        assertEquals(0, window.nanos());
    }

    @Test
    void shrinksByItsDivisorAfterLongGaps() {
        PollingWindow window = grown(4);
        for (int i = 0; i < 9; i++) window.idled(MAX + 1, false);
        assertEquals(8_000, window.nanos());
    }

    @Test
    void neverPollsWhenTheLongestIsZero() {
        PollingWindow window = PollingWindow.forDrivers(0, 2, 0);
        window.idled(1, false);
        window.idled(1_000_000, false);
        assertEquals(0, window.nanos());
    }

    private static PollingWindow grown(int shrink) {
        PollingWindow window = PollingWindow.forDrivers(MAX, 2, shrink);
        for (int i = 0; i < 8; i++) window.idled(Math.min(MAX, window.nanos() + 1), false);
        assertEquals(MAX, window.nanos());
        return window;
    }
}
