package io.vireo.actors.device;

/** Requests that are done and wait to be finished; whoever finishes them is told once a burst. Thread: the IOThread. */
final class Completions {
    private final RequestSlotFifo done = new RequestSlotFifo();
    private final RequestBatch.Pool batches;
    private Runnable listener;
    private boolean announced;

    Completions(RequestBatch.Pool batches) {
        this.batches = batches;
    }

    void tell(Runnable listener) {
        this.listener = listener;
    }

    /** Between these two nobody is told: who hands requests to a node that answers at once looks by itself afterwards. */
    void beginSubmit() {
        announced = true;
    }

    void endSubmit() {
        announced = false;
    }

    void add(RequestSlot slot) {
        done.add(slot);
        if (announced) return;
        announced = true;
        listener.run();
    }

    /** The next batch, or null when there are none, or no batch is to be had. */
    RequestBatch next() {
        announced = false;
        if (done.isEmpty()) return null;
        RequestBatch batch = batches.take();
        if (batch == null) return null;
        while (!batch.isFull() && !done.isEmpty()) batch.add(done.remove());
        return batch;
    }
}
