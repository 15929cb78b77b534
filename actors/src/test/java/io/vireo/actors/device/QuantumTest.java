package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class QuantumTest {
    private static final int BATCH_MAX = 64;

    private final Quantum quantum = new Quantum();

    @Test
    void takesAllOfADriverThatNobodyCalled() {
        quantum.taken(32, true);
        assertEquals(BATCH_MAX, quantum.next(BATCH_MAX));
    }

    @Test
    void takesAPartOfWhatACalledDriverHandsIn() {
        quantum.called();
        quantum.taken(48, true);
        assertEquals(48 / Quantum.PARTS, quantum.next(BATCH_MAX));
    }

    @Test
    void takesNoPartSmallerThanPays() {
        quantum.called();
        quantum.taken(9, true);
        assertEquals(Quantum.SMALLEST, quantum.next(BATCH_MAX));
        assertEquals(4, quantum.next(4), "more than a batch holds");
    }

    @Test
    void knowsABurstByAllItsParts() {
        quantum.called();
        for (int part = 0; part < 3; part++) quantum.taken(16, false);
        quantum.taken(16, true);
        assertEquals(64 / Quantum.PARTS, quantum.next(BATCH_MAX));
    }

    @Test
    void forgetsALargeBurstByAndBy() {
        quantum.called();
        quantum.taken(256, true);
        quantum.taken(8, true);
        assertEquals(BATCH_MAX - 4, quantum.next(BATCH_MAX));
        for (int i = 0; i < 200; i++) {
            quantum.called();
            quantum.taken(8, true);
        }
        assertEquals(Quantum.SMALLEST, quantum.next(BATCH_MAX));
    }

    @Test
    void takesAllAgainOfADriverThatLooksByItself() {
        quantum.called();
        quantum.taken(32, true);
        for (int batch = 1; batch < Quantum.REMEMBERED_BATCHES; batch++) {
            assertEquals(Quantum.SMALLEST, quantum.next(BATCH_MAX), "batch " + batch);
            quantum.taken(8, true);
        }
        assertEquals(BATCH_MAX, quantum.next(BATCH_MAX));
    }
}
