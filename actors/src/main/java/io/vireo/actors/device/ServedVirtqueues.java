package io.vireo.actors.device;

import io.vireo.posix.Memory;
import java.util.Arrays;

/**
 * The virtqueues of a device that run on one IOThread, and what is asked of all of them at once.
 *
 * <p>Whatever touches a ring throws {@link InternalError}, and only there, when the guest's memory is gone. Thread: the
 * IOThread; {@link #seen} from anywhere.
 */
final class ServedVirtqueues {
    private volatile ServedVirtqueue[] all = {};

    /** As they are, for those who only look. */
    ServedVirtqueue[] seen() {
        return all;
    }

    void add(ServedVirtqueue queue) {
        ServedVirtqueue[] more = Arrays.copyOf(all, all.length + 1);
        more[all.length] = queue;
        all = more;
    }

    void remove(ServedVirtqueue queue) {
        all = Arrays.stream(all).filter(other -> other != queue).toArray(ServedVirtqueue[]::new);
    }

    /** The one with this index in the device, or null. */
    ServedVirtqueue at(int index) {
        for (ServedVirtqueue queue : all) if (queue.ring.index() == index) return queue;
        return null;
    }

    boolean isEmpty() {
        return all.length == 0;
    }

    /** Descriptors of the longest ring. */
    int largestSize() {
        return Arrays.stream(all).mapToInt(queue -> queue.ring.size()).max().orElseThrow();
    }

    boolean hasAvailable() {
        boolean any = false;
        for (ServedVirtqueue queue : all) any |= queue.takes() && queue.ring.hasAvailable();
        Memory.raiseFaults();
        return any;
    }

    void suppressKicks() {
        for (ServedVirtqueue queue : all) if (!queue.closed) queue.ring.suppressKicks();
        Memory.raiseFaults();
    }

    /** True when there are requests already. */
    boolean enableKicks() {
        boolean busy = false;
        for (ServedVirtqueue queue : all) if (queue.takes()) busy |= queue.ring.enableKicks();
        Memory.raiseFaults();
        return busy;
    }

    /** Shows the drivers what the batch at hand has written. */
    void publishUsed() {
        for (ServedVirtqueue queue : all) if (queue.dirty) queue.ring.publishUsed();
        Memory.raiseFaults();
    }

    /** Takes nothing more from any of them, and tells those who listen for errors. */
    void breakAll() {
        for (ServedVirtqueue queue : all) queue.shut();
    }
}
