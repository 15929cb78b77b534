package io.vireo.virtio.driver;

import io.vireo.posix.Epoll;
import io.vireo.posix.NativeBlock;
import java.util.Arrays;
import java.util.List;

/** Waits until a used ring of several moves. Thread: one. */
final class CallWaiter implements AutoCloseable {
    private static final int SPINS = 1000;
    private static final int COUNT_BYTES = 8;

    private final BlkQueue[] queues;
    private final Waiting waiting;
    private final Epoll epoll;
    private final NativeBlock count = NativeBlock.allocate(COUNT_BYTES, COUNT_BYTES);
    private final long[] calls;
    private final boolean[] called;

    CallWaiter(List<BlkQueue> queues, Waiting waiting) {
        this.queues = queues.toArray(BlkQueue[]::new);
        this.waiting = waiting;
        calls = new long[this.queues.length];
        called = new boolean[this.queues.length];
        epoll = Epoll.create(Math.max(1, this.queues.length));
        for (int i = 0; i < this.queues.length; i++) {
            epoll.add(this.queues[i].queue().call().fd(), Epoll.EPOLLIN, i);
            this.queues[i].queue().virtqueue().suppressCalls();
        }
    }

    /** Returns when something may be there to reap, at the latest about {@code timeoutNanos} from now. */
    void await(long timeoutNanos) {
        await(timeoutNanos, () -> {});
    }

    /**
     * As above.
     *
     * @param beforeSleep run when nothing is left to reap and calls are asked for; the rings are not looked at between it and
     *     the next call, as by a guest that hands in requests when its interrupt has been handled
     */
    void await(long timeoutNanos, Runnable beforeSleep) {
        if (waiting == Waiting.SPIN) spin();
        else sleep(timeoutNanos, beforeSleep);
    }

    /** Wake-ups by calls so far. */
    long calls() {
        return Arrays.stream(calls).sum();
    }

    /** Calls so far that came for the queue of this place in the list. */
    long calls(int index) {
        return calls[index];
    }

    @Override
    public void close() {
        epoll.close();
        count.close();
    }

    private void spin() {
        for (int i = 0; i < SPINS; i++) {
            for (BlkQueue queue : queues) if (queue.pendingUsed() > 0) return;
            Thread.onSpinWait();
        }
    }

    private void sleep(long timeoutNanos, Runnable beforeSleep) {
        boolean arrived = false;
        for (BlkQueue queue : queues) arrived |= queue.queue().virtqueue().armCall();
        if (!arrived) {
            beforeSleep.run();
            int ready = epoll.await(timeoutNanos);
            for (int i = 0; i < ready; i++) {
                int index = (int) epoll.token(i);
                called[index] = queues[index].queue().call().clear(count.address());
                if (called[index]) queues[index].queue().acknowledge().run();
            }
        }
        for (int i = 0; i < queues.length; i++) suppress(i);
    }

    private void suppress(int index) {
        DriverVirtqueue virtqueue = queues[index].queue().virtqueue();
        if (called[index]) {
            calls[index]++;
            called[index] = false;
            virtqueue.suppressCallsAfterOne();
        } else {
            virtqueue.suppressCalls();
        }
    }
}
