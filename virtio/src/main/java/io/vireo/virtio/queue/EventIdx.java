package io.vireo.virtio.queue;

/** The arithmetic of VIRTIO_F_EVENT_IDX, on indices modulo 2^16 (virtio 1.3, 2.7.7 and 2.7.10). */
public final class EventIdx {
    private EventIdx() {}

    /**
     * Whether moving an index from {@code old} to {@code current} passed {@code event}, so that the other side, which
     * asked to be told when the entry at {@code event} is there, is to be told now.
     */
    public static boolean needEvent(int event, int current, int old) {
        return ((current - event - 1) & 0xFFFF) < ((current - old) & 0xFFFF);
    }
}
