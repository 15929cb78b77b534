package io.vireo.actors.iothread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class WatchesTest {
    private final Watches watches = new Watches();
    private final List<String> told = new ArrayList<>();

    @Test
    void tellsTheListenerOfTheTokenAndNoOther() {
        long first = watches.add(() -> told.add("first"));
        long second = watches.add(() -> told.add("second"));
        watches.ready(second);
        watches.ready(first);
        watches.ready(second);
        assertEquals(List.of("second", "first", "second"), told);
    }

    @Test
    void tellsNobodyOfAReportThatWasUnderWayWhenTheWatchEnded() {
        long ended = watches.add(() -> told.add("ended"));
        watches.remove(ended);
        long next = watches.add(() -> told.add("next"));
        watches.ready(ended);
        assertEquals(List.of(), told);
        assertNotEquals(ended, next);
        assertFalse(watches.isLive(ended));
        assertTrue(watches.isLive(next));
    }

    @Test
    void leavesTheSlotsNextOwnerAloneWhenAnOldWatchIsRemovedAgain() {
        long ended = watches.add(() -> {});
        watches.remove(ended);
        long next = watches.add(() -> told.add("next"));
        watches.remove(ended);
        watches.ready(next);
        assertEquals(List.of("next"), told);
    }

    @Test
    void keepsItsListenersWhenItGrows() {
        List<Long> tokens = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            String name = "w" + i;
            tokens.add(watches.add(() -> told.add(name)));
        }
        assertEquals(100, new HashSet<>(tokens).size());
        tokens.forEach(watches::ready);
        assertEquals(100, told.size());
        assertEquals("w99", told.getLast());
    }

    /** The poller marks its own completions in the top byte of the token. */
    @Test
    void leavesTheTopByteOfATokenToThePoller() {
        long token = 0;
        for (int i = 0; i < 10_000; i++) {
            token = watches.add(() -> {});
            assertEquals(0, token >>> 56);
            watches.remove(token);
        }
        assertNotEquals(0, token);
    }
}
