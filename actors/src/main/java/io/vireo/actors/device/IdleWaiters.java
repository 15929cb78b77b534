package io.vireo.actors.device;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Those who wait until a device has nothing in flight on one IOThread, and its driver was called for what was. Thread: the
 * IOThread.
 */
final class IdleWaiters {
    private final ServedVirtqueues queues;
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();

    IdleWaiters(ServedVirtqueues queues) {
        this.queues = queues;
    }

    void add(CompletableFuture<Void> idle) {
        waiting.add(idle);
        check();
    }

    /** To be called when the driver was called for requests that were answered, or does not want that. */
    void check() {
        if (waiting.isEmpty()) return;
        for (ServedVirtqueue queue : queues.seen()) if (queue.inFlight() > 0 || queue.undecided > 0) return;
        end().forEach(idle -> idle.complete(null));
    }

    /** Nothing will be answered for now. */
    void fail(String why) {
        if (!waiting.isEmpty()) end().forEach(idle -> idle.completeExceptionally(new IllegalStateException(why)));
    }

    private List<CompletableFuture<Void>> end() {
        List<CompletableFuture<Void>> all = List.copyOf(waiting);
        waiting.clear();
        return all;
    }
}
