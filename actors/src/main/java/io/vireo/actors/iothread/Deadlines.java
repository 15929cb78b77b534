package io.vireo.actors.iothread;

import java.util.Arrays;

/** The IOThread's timers: a binary heap on two arrays, so that nothing is allocated once it has grown. */
final class Deadlines {
    private long[] atNanos = new long[16];
    private Runnable[] tasks = new Runnable[16];
    private int size;

    void add(long deadlineNanos, Runnable task) {
        if (size == tasks.length) {
            atNanos = Arrays.copyOf(atNanos, size * 2);
            tasks = Arrays.copyOf(tasks, size * 2);
        }
        int at = size++;
        while (at > 0 && deadlineNanos - atNanos[(at - 1) >>> 1] < 0) {
            int parent = (at - 1) >>> 1;
            atNanos[at] = atNanos[parent];
            tasks[at] = tasks[parent];
            at = parent;
        }
        atNanos[at] = deadlineNanos;
        tasks[at] = task;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Nanoseconds until the first deadline, 0 when it has passed, -1 when there is none. */
    long nanosToWait(long nowNanos) {
        return size == 0 ? -1 : Math.max(0, atNanos[0] - nowNanos);
    }

    /** The next task that is due, or null. */
    Runnable pollDue(long nowNanos) {
        if (size == 0 || atNanos[0] - nowNanos > 0) return null;
        Runnable due = tasks[0];
        long lastAt = atNanos[--size];
        Runnable last = tasks[size];
        tasks[size] = null;
        if (size > 0) siftDown(lastAt, last);
        return due;
    }

    private void siftDown(long deadlineNanos, Runnable task) {
        int at = 0;
        while (2 * at + 1 < size) {
            int child = 2 * at + 1;
            if (child + 1 < size && atNanos[child + 1] - atNanos[child] < 0) child++;
            if (deadlineNanos - atNanos[child] <= 0) break;
            atNanos[at] = atNanos[child];
            tasks[at] = tasks[child];
            at = child;
        }
        atNanos[at] = deadlineNanos;
        tasks[at] = task;
    }
}
