package io.vireo.monitoring.metrics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Numbers that one thread adds to and any number of threads read.
 *
 * <p>With a single writer the sum needs no locked instruction: a plain read of one's own value and a store that readers see
 * whole. A release store costs nothing more than a plain one on x86, and orders a request's parts (see {@link DeviceCounters}).
 * Unused cells on both sides keep another thread's counters off the same cache lines.
 */
final class Cells {
    private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(long[].class);
    /** 128 bytes: two lines, since x86 fetches them in pairs. */
    private static final int GAP = 16;

    private final long[] values;

    Cells(int count) {
        values = new long[count + 2 * GAP];
    }

    /** Writer only. */
    void add(int cell, long amount) {
        int at = cell + GAP;
        ELEMENT.setRelease(values, at, values[at] + amount);
    }

    /** Writer only. */
    void set(int cell, long value) {
        ELEMENT.setRelease(values, cell + GAP, value);
    }

    /** Any thread; what the writer stored before this value is visible afterwards. */
    long get(int cell) {
        return (long) ELEMENT.getAcquire(values, cell + GAP);
    }
}
