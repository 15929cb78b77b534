package io.vireo.test;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

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

    /** So many more than there are; who begins anew meanwhile counts from 0. Also when it is over. */
    public static void more(long count, LongSupplier counted, BooleanSupplier over) {
        long[] before = {counted.getAsLong()};
        until(count + " more than " + before[0], () -> {
            long now = counted.getAsLong();
            before[0] = Math.min(before[0], now);
            return now >= before[0] + count || over.getAsBoolean();
        });
    }
}
