package io.vireo.virtio.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class SharedMappingTest {
    private final AtomicInteger unmapped = new AtomicInteger();
    private final SharedMapping mapping = SharedMapping.of(unmapped::incrementAndGet);

    @Test
    void unmapsWhenTheLastHoldIsGoneAndNotBefore() {
        mapping.retain();
        mapping.release();
        assertEquals(0, unmapped.get());
        mapping.release();
        assertEquals(1, unmapped.get());
        assertEquals(0, mapping.holds());
    }

    @Test
    void refusesToComeBackFromTheDead() {
        mapping.release();
        assertThrows(IllegalStateException.class, mapping::retain);
        assertThrows(IllegalStateException.class, mapping::release);
        assertEquals(1, unmapped.get());
    }

    @Test
    void unmapsOnceUnderThreadsThatComeAndGo() throws InterruptedException {
        CountDownLatch start = new CountDownLatch(1);
        Thread[] threads = new Thread[4];
        for (int i = 0; i < threads.length; i++) {
            mapping.retain();
            threads[i] = Thread.ofPlatform().start(() -> {
                await(start);
                for (int k = 0; k < 20_000; k++) {
                    mapping.retain();
                    mapping.release();
                }
                mapping.release();
            });
        }
        start.countDown();
        for (Thread thread : threads) thread.join();
        assertEquals(1, mapping.holds());
        assertEquals(0, unmapped.get());
        mapping.release();
        assertEquals(1, unmapped.get());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
