package io.vireo.actors.device;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.storage.node.IoRequest;
import io.vireo.virtio.queue.EventIdx;
import io.vireo.virtio.queue.Virtqueue;
import java.util.ArrayList;
import java.util.List;

/** What mutants do instead of what is right. */
public final class Mistakes {
    private static final IoVec NOTHING = new IoVec(0, 0, 0);
    private static final List<Runnable> LATER = new ArrayList<>();

    private Mistakes() {}

    public static void putLongLater(long address, long value) {
        LATER.add(() -> Memory.putLong(address, value));
    }

    public static void putIntLater(long address, int value) {
        LATER.add(() -> Memory.putInt(address, value));
    }

    public static void putU16Later(long address, int value) {
        LATER.add(() -> Memory.putU16(address, value));
    }

    public static void putU8Never(long address, int value) {}

    public static void putU16Never(long address, int value) {}

    /** What should have been there before comes after it. */
    public static void releaseTooEarly(long address, int value) {
        Memory.putU16Release(address, value);
        Interleaving.device();
        LATER.forEach(Runnable::run);
        LATER.clear();
    }

    public static boolean needEventOneLater(int event, int current, int old) {
        return EventIdx.needEvent(event + 1, current, old);
    }

    /** Completes as a flush does, and flushes nothing. */
    public static IoRequest noFlush(IoRequest io) {
        return io.read(0, NOTHING);
    }

    public static IoRequest notDurable(IoRequest io, long offsetBytes, IoVec data, boolean durable) {
        return io.write(offsetBytes, data, false);
    }

    public static void completedTwice(DeviceShard shard, RequestSlot slot) {
        shard.completed(slot);
        shard.completed(slot);
    }

    public static void pushUsedOneByteLonger(Virtqueue ring, int id, int written) {
        ring.pushUsed(id, written + 1);
    }
}
