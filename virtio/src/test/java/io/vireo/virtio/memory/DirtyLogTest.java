package io.vireo.virtio.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.posix.EventSignaller;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("vhost-user-LOG_SHMFD")
class DirtyLogTest {
    private static final int LOG_BYTES = 40;
    private static final int PAGES = LOG_BYTES * 8;
    private static final int GUARD_BYTES = 16;

    @Test
    void marksEveryPageOfARangeAndNoOther() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("DirtyLogTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        try (NativeBlock block = NativeBlock.allocate(LOG_BYTES + 2 * GUARD_BYTES, 8)) {
            for (int round = 0; round < 2000; round++) {
                // Front-ends may put it anywhere: it begins at any byte.
                long at = block.address() + GUARD_BYTES + random.nextInt(4);
                Memory.zero(block.address(), LOG_BYTES + 2 * GUARD_BYTES);
                DirtyLog log = new DirtyLog(at, LOG_BYTES - 4, null);
                BitSet expected = new BitSet();
                for (int i = random.nextInt(4); i >= 0; i--) {
                    long gpa = random.nextLong((PAGES - 32L) * 4096);
                    long lengthBytes = random.nextInt(3) == 0 ? random.nextLong(1, 1 << 20) : random.nextLong(1, 9000);
                    log.mark(gpa, lengthBytes);
                    long last = Math.min((gpa + lengthBytes - 1) / 4096, PAGES - 33);
                    if (gpa / 4096 <= last) expected.set((int) (gpa / 4096), (int) last + 1);
                }
                byte[] all = new byte[LOG_BYTES + 2 * GUARD_BYTES];
                Memory.copy(block.address(), all, 0, all.length);
                BitSet found = BitSet.valueOf(all);
                int shift = (int) (at - block.address()) * 8;
                BitSet shifted = new BitSet();
                expected.stream().forEach(page -> shifted.set(page + shift));
                assertEquals(shifted, found, "round " + round + ", seed " + seed);
            }
        }
    }

    @Test
    void keepsWhatIsMarkedAlready() {
        try (NativeBlock block = NativeBlock.allocate(8, 8)) {
            DirtyLog log = new DirtyLog(block.address(), 8, null);
            log.mark(4096 * 3, 1);
            log.mark(4096 * 5 + 4095, 2);
            assertEquals(1L << 3 | 1L << 5 | 1L << 6, Memory.getLong(block.address()));
        }
    }

    @Test
    void leavesOutWhatItDoesNotCover() {
        try (NativeBlock block = NativeBlock.allocate(24, 8)) {
            DirtyLog log = new DirtyLog(block.address() + 8, 8, null);
            for (long gpa : new long[] {64 * 4096, -1, -4096, Long.MIN_VALUE, GuestMemory.FAULT}) log.mark(gpa, 1);
            log.mark(-4096, 8192);
            for (int i = 0; i < 24; i += 8) assertEquals(0, Memory.getLong(block.address() + i));
            log.mark(63 * 4096, Long.MAX_VALUE / 2);
            assertEquals(1L << 63, Memory.getLong(block.address() + 8));
            assertEquals(0, Memory.getLong(block.address() + 16));

            assertTrue(log.covers(0, 64 * 4096));
            assertFalse(log.covers(0, 64 * 4096 + 1));
            assertFalse(log.covers(-4096, 8192), "it wraps");
            assertFalse(log.covers(-1, 1));
        }
    }

    @Test
    void tellsWhoListens() {
        try (NativeBlock block = NativeBlock.allocate(8, 8);
                EventFd listener = EventFd.create();
                EventSignaller signaller = EventSignaller.open()) {
            new DirtyLog(block.address(), 8, listener).announce(signaller);
            assertTrue(listener.clear(block.address()));
            new DirtyLog(block.address(), 8, null).announce(signaller);
        }
    }
}
