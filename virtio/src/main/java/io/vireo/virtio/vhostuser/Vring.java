package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.virtio.queue.RingFormat;

/** What a session knows of one vring. Owns its descriptors. */
final class Vring implements AutoCloseable {
    final int index;
    /** 0 until SET_VRING_NUM. */
    int size;
    /** Null until SET_VRING_ADDR. */
    VringAddresses addresses;
    /** Where to go on, in the device's words; null for a new ring. While the vring runs, the device knows better. */
    Integer base;
    EventFd kick;
    EventFd call;
    EventFd err;
    Enabled enabled = Enabled.UNSAID;
    boolean running;

    /** A vring nobody spoke of is enabled only for a front-end that does not negotiate protocol features. */
    enum Enabled { UNSAID, YES, NO }

    Vring(int index) {
        this.index = index;
    }

    int base(RingFormat format) {
        return base != null ? base : format.newBase();
    }

    void replaceKick(EventFd next) {
        if (kick != null) kick.close();
        kick = next;
    }

    void replaceCall(EventFd next) {
        if (call != null) call.close();
        call = next;
    }

    void replaceErr(EventFd next) {
        if (err != null) err.close();
        err = next;
    }

    @Override
    public void close() {
        replaceKick(null);
        replaceCall(null);
        replaceErr(null);
    }
}
