package io.vireo.actors.takeover;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two processes and their word; here both have it mapped by themselves. */
class OwnershipTest {
    private static final int RACES = 2_000;

    private final Ownership old = Ownership.create();
    private final Ownership next = Ownership.of(old.fd().duplicate());

    @AfterEach
    void close() {
        old.close();
        next.close();
    }

    @Test
    void whatWasNotOfferedCannotBeTaken() {
        assertFalse(next.take());
        assertEquals(Ownership.State.SERVED, next.state());
    }

    @Test
    void whatWasTakenCannotBeWithdrawn() {
        old.offer();
        assertTrue(next.take());
        assertFalse(old.withdraw());
        assertEquals(Ownership.State.TAKEN, old.state());
    }

    @Test
    void whatWasWithdrawnCannotBeTaken() {
        old.offer();
        assertTrue(old.withdraw());
        assertFalse(next.take());
        assertEquals(Ownership.State.WITHDRAWN, next.state());
    }

    @Test
    void whatWasWithdrawnIsNotOfferedAfterwards() {
        assertTrue(old.withdraw());
        old.offer();
        assertFalse(next.take());
    }

    @Test
    void anOfferOutlivesTheProcessThatMadeIt() {
        Ownership made = Ownership.create();
        try (Ownership other = Ownership.of(made.fd().duplicate())) {
            made.offer();
            made.close();
            assertTrue(other.take());
        }
    }

    @Test
    void ofTwoAtOnceExactlyOneHasIt() throws Exception {
        for (int i = 0; i < RACES; i++) {
            try (Ownership one = Ownership.create(); Ownership other = Ownership.of(one.fd().duplicate())) {
                one.offer();
                CyclicBarrier start = new CyclicBarrier(2);
                CompletableFuture<Boolean> taken = CompletableFuture.supplyAsync(() -> {
                    meet(start);
                    return other.take();
                });
                meet(start);
                assertNotEquals(one.withdraw(), taken.get());
            }
        }
    }

    private static void meet(CyclicBarrier start) {
        try {
            start.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
