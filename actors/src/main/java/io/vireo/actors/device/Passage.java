package io.vireo.actors.device;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Requests seen at each station of a device's road on one IOThread. Written by the IOThread; a reader elsewhere may be
 * a little behind, and sees equal numbers once nothing is in flight.
 */
public final class Passage {
    private static final int DRAINED = 0;
    private static final int SUBMITTED = 1;
    private static final int COMPLETED = 2;
    private static final int DECIDED = 3;

    private final AtomicLongArray counts = new AtomicLongArray(4);

    /** Taken from a virtqueue by the device actor. */
    public long drained() {
        return counts.get(DRAINED);
    }

    /** Handed to the node by the pipeline. */
    public long submitted() {
        return counts.get(SUBMITTED);
    }

    /** Written to a used ring by the pipeline. */
    public long completed() {
        return counts.get(COMPLETED);
    }

    /** Looked at by the interrupt actor. */
    public long decided() {
        return counts.get(DECIDED);
    }

    void drained(int requests) {
        add(DRAINED, requests);
    }

    void submitted(int requests) {
        add(SUBMITTED, requests);
    }

    void completed(int requests) {
        add(COMPLETED, requests);
    }

    void decided(int requests) {
        add(DECIDED, requests);
    }

    /** One writer, so no read-modify-write is needed. */
    private void add(int station, int requests) {
        counts.setRelease(station, counts.getPlain(station) + requests);
    }
}
