package io.vireo.actors.device;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntSupplier;

/**
 * Those who wait until a device has nothing in flight on one IOThread, but for as much as may be, and its driver was called
 * for what was. Thread: the IOThread.
 */
final class IdleWaiters {
    private final ServedVirtqueues queues;
    private final IntSupplier mayBeInFlight;
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();

    IdleWaiters(ServedVirtqueues queues, IntSupplier mayBeInFlight) {
        this.queues = queues;
        this.mayBeInFlight = mayBeInFlight;
    }

    void add(CompletableFuture<Void> idle) {
        waiting.add(idle);
        check();
    }

    /** To be called when the driver was called for requests that were answered, or does not want that. */
    void check() {
        if (waiting.isEmpty()) return;
        int inFlight = 0;
        for (ServedVirtqueue queue : queues.seen()) {
            if (queue.undecided > 0) return;
            inFlight += queue.inFlight();
        }
        if (inFlight > mayBeInFlight.getAsInt()) return;
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
