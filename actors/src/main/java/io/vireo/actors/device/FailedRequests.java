package io.vireo.actors.device;

import io.vireo.actors.device.ErrorPolicy.Action;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * A device's failed requests on one IOThread: decides about each, once, and keeps those that are to be tried again, in
 * the order in which they failed. Thread: the IOThread.
 */
final class FailedRequests {
    private final ErrorPolicy policy;
    private final Intake intake;
    private final DeviceListener listener;
    private final RequestSlotFifo kept = new RequestSlotFifo();

    FailedRequests(ErrorPolicy policy, Intake intake, DeviceListener listener) {
        this.policy = policy;
        this.intake = intake;
        this.listener = listener;
    }

    /**
     * Decides about a request that has come back with an error; true when it is kept, and not to be answered. A ring that
     * is about to stop keeps nothing: nobody would be there to answer it later. What is written down as in flight can be
     * left so.
     */
    boolean keeps(RequestSlot slot) {
        if (ErrorPolicy.isTheGuests(slot.errno())) return false; // no failure of the drive
        Action action = policy.actionOn(slot.operation(), slot.errno());
        if (action == Action.STOP && slot.queue.suspends) {
            slot.queue.release(slot);
            return true;
        }
        if (action == Action.STOP && slot.queue.isStopping()) action = Action.REPORT;
        IoError error = new IoError(
                slot.queue.ring.index(), slot.operation(), slot.blk.offsetBytes(), slot.errno(), action);
        if (action == Action.STOP) {
            kept.add(slot);
            // One that fails while the device is stopped already is part of the same stop.
            if (intake.hold(Intake.Hold.IO_ERROR)) listener.ioError(error);
            return true;
        }
        if (action == Action.IGNORE) slot.ignoreError();
        listener.ioError(error);
        return false;
    }

    /** Hands all that is kept to {@code again}, which may bring it back here. */
    void retry(Consumer<RequestSlot> again) {
        // It may be emptied meanwhile, by a device that fails.
        for (int left = kept.size(); left > 0 && !kept.isEmpty(); left--) again.accept(kept.remove());
    }

    /** Hands what is kept of one virtqueue to {@code next}, which may bring it back here. */
    void hand(ServedVirtqueue queue, Consumer<RequestSlot> next) {
        for (int left = kept.size(); left > 0 && !kept.isEmpty(); left--) {
            RequestSlot slot = kept.remove();
            if (slot.queue == queue) next.accept(slot);
            else kept.add(slot);
        }
    }

    int size() {
        return kept.size();
    }

    /** Those that are kept, the first one first. */
    List<RequestSlot> all() {
        List<RequestSlot> all = new ArrayList<>();
        for (int left = kept.size(); left > 0; left--) {
            RequestSlot slot = kept.remove();
            all.add(slot);
            kept.add(slot);
        }
        return all;
    }

    /** Keeps one that another device has failed to do. */
    void keep(RequestSlot slot) {
        kept.add(slot);
        intake.hold(Intake.Hold.IO_ERROR);
    }

    boolean isEmpty() {
        return kept.isEmpty();
    }

    /** Forgets them: their queues take them back. */
    void clear() {
        while (!kept.isEmpty()) kept.remove();
    }
}
