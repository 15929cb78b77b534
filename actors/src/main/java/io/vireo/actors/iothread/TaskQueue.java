package io.vireo.actors.iothread;

import java.util.concurrent.atomic.AtomicInteger;
import org.jctools.queues.MessagePassingQueue;
import org.jctools.queues.atomic.MpscUnboundedAtomicArrayQueue;

/**
 * What an IOThread has to run: mailboxes and stream interpreters. A task submitted by the thread itself is an array
 * store; one from elsewhere goes through a queue for many producers, and wakes the thread only when it says it sleeps.
 */
final class TaskQueue {
    private static final int AWAKE = 0;
    private static final int ASLEEP = 1;

    private final MessagePassingQueue<Runnable> foreign = new MpscUnboundedAtomicArrayQueue<>(256);
    private final AtomicInteger sleeping = new AtomicInteger(AWAKE);
    private final Runnable wake;
    private Runnable[] local = new Runnable[256];
    private int head;
    private int tail;

    TaskQueue(Runnable wake) {
        this.wake = wake;
    }

    /** Thread: the IOThread. */
    void addLocal(Runnable task) {
        local[tail] = task;
        tail = (tail + 1) & (local.length - 1);
        if (tail == head) growLocal();
    }

    /** Thread: any but the IOThread. */
    void addForeign(Runnable task) {
        foreign.relaxedOffer(task);
        // The exchange is a full barrier: either it sees ASLEEP, or the sleeper's re-check sees the task.
        if (sleeping.compareAndSet(ASLEEP, AWAKE)) wake.run();
    }

    /** Moves what others submitted behind what is here; answers how many. */
    int takeForeign() {
        int taken = 0;
        for (Runnable task; (task = foreign.relaxedPoll()) != null; taken++) addLocal(task);
        return taken;
    }

    /** The next task, or null. */
    Runnable next() {
        if (head == tail) return null;
        Runnable task = local[head];
        local[head] = null;
        head = (head + 1) & (local.length - 1);
        return task;
    }

    int localCount() {
        return (tail - head) & (local.length - 1);
    }

    /** Says that the thread is about to block; false when a task is here and it must not. */
    boolean fallAsleep() {
        sleeping.set(ASLEEP);
        if (head == tail && foreign.isEmpty()) return true;
        wakeUp();
        return false;
    }

    void wakeUp() {
        sleeping.set(AWAKE);
    }

    private void growLocal() {
        Runnable[] larger = new Runnable[local.length * 2];
        int first = local.length - head;
        System.arraycopy(local, head, larger, 0, first);
        System.arraycopy(local, 0, larger, first, tail);
        head = 0;
        tail = local.length;
        local = larger;
    }
}
