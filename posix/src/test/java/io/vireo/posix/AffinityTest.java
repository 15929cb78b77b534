package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

class AffinityTest {
    @Test
    void pinsTheCallingThreadAlone() throws Exception {
        int[] all = Affinity.allowed();
        assertTrue(all.length > 0);
        int last = all[all.length - 1];
        try (ExecutorService other = Executors.newSingleThreadExecutor()) {
            assertArrayEquals(new int[] {last}, other.submit(() -> {
                Affinity.pinCurrentThread(new int[] {last});
                return Affinity.allowed();
            }).get());
        }
        assertArrayEquals(all, Affinity.allowed());
    }

    @Test
    void refusesProcessorsThatDoNotExist() {
        assertEquals(Errno.EINVAL, assertThrows(PosixException.class,
                () -> Affinity.pinCurrentThread(new int[] {8000})).errno());
        assertThrows(IllegalArgumentException.class, () -> Affinity.pinCurrentThread(new int[] {-1}));
    }

    @Test
    void knowsTheKernelsNumberOfAThread() {
        assertTrue(Files.exists(Path.of("/proc/self/task/" + ThreadId.current())));
    }
}
