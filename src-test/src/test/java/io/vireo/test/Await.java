package io.vireo.test;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waiting for what another process does. */
public final class Await {
    private static final int QUICK_LOOKS = 100;
    private static final long LOOK_NANOS = 1_000_000;

    private Await() {}

    public static void until(String what, BooleanSupplier fulfilled) {
        long deadline = System.nanoTime() + Vireo.PATIENCE.toNanos();
        for (int look = 0; look < QUICK_LOOKS; look++) {
            if (fulfilled.getAsBoolean()) return;
            Thread.onSpinWait();
        }
        while (!fulfilled.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) throw new AssertionError("waited in vain until " + what);
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }
}
