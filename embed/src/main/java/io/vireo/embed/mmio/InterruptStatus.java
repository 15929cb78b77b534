package io.vireo.embed.mmio;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The InterruptStatus register: what the driver is interrupted for and has not acknowledged. It is raised before the
 * interrupt is asserted, so that whoever is interrupted finds it. Between reset and DRIVER_OK nothing can be raised.
 *
 * <p>Thread: any; nobody waits.
 */
final class InterruptStatus {
    private static final int ENABLED = 1 << 31;

    private final AtomicInteger word = new AtomicInteger();

    /** From DRIVER_OK on. */
    void enable() {
        word.set(ENABLED);
    }

    /** Clears all bits, and lets none be raised. */
    void disable() {
        word.set(0);
    }

    /** False when the driver must not be interrupted. */
    boolean raise(int bits) {
        int before;
        do {
            before = word.get();
            if ((before & ENABLED) == 0) return false;
        } while (!word.compareAndSet(before, before | bits));
        return true;
    }

    void acknowledge(int bits) {
        int before;
        do before = word.get();
        while (!word.compareAndSet(before, before & ~(bits & ~ENABLED)));
    }

    int read() {
        return word.get() & ~ENABLED;
    }
}
