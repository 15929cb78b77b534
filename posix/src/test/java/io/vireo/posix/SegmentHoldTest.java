package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

final class SegmentHoldTest {
    @Test
    void keepsASharedArenaOpenUntilTheLastHoldIsClosed() {
        Arena arena = Arena.ofShared();
        MemorySegment segment = arena.allocate(4096);
        SegmentHold one = SegmentHold.of(segment);
        SegmentHold two = SegmentHold.of(segment.asSlice(16, 32));
        assertEquals(segment.address() + 16, two.address());
        assertEquals(32, two.sizeBytes());
        assertThrows(IllegalStateException.class, arena::close);
        one.close();
        assertThrows(IllegalStateException.class, arena::close);
        two.close();
        arena.close();
        assertFalse(segment.scope().isAlive());
    }

    @Test
    void isNotLetGoByAnInterrupt() {
        try (Arena arena = Arena.ofShared()) {
            SegmentHold hold = SegmentHold.of(arena.allocate(8));
            Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().equals("vireo-segment-hold"))
                    .forEach(Thread::interrupt);
            assertThrows(IllegalStateException.class, arena::close);
            Thread.currentThread().interrupt();
            hold.close();
            assertTrue(Thread.interrupted(), "the caller's interrupt was swallowed");
        }
    }

    @Test
    void refusesWhatOtherThreadsAndTheKernelCannotWrite() {
        try (Arena confined = Arena.ofConfined(); Arena shared = Arena.ofShared()) {
            assertThrows(IllegalArgumentException.class, () -> SegmentHold.of(MemorySegment.ofArray(new long[8])));
            assertThrows(IllegalArgumentException.class, () -> SegmentHold.of(confined.allocate(8)));
            assertThrows(IllegalArgumentException.class, () -> SegmentHold.of(shared.allocate(8).asReadOnly()));
            assertThrows(IllegalArgumentException.class, () -> SegmentHold.of(shared.allocate(0)));
        }
    }

    @Test
    void takesMemoryOfTheGlobalAndTheAutomaticArena() {
        SegmentHold.of(Arena.global().allocate(8)).close();
        SegmentHold.of(Arena.ofAuto().allocate(8)).close();
    }
}
