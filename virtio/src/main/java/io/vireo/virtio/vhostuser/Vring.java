package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.virtio.queue.RingFormat;

/** What a session knows of one vring. Owns its descriptors. */
final class Vring implements AutoCloseable {
    final int index;
    final VringEvent call;
    final VringEvent err;
    /** 0 until SET_VRING_NUM. */
    int size;
    /** Null until SET_VRING_ADDR. */
    VringAddresses addresses;
    /** Where to go on, in the device's words; null for a new ring. While the vring runs, the device knows better. */
    Integer base;
    EventFd kick;
    Enabled enabled = Enabled.UNSAID;
    boolean running;
    /** Where it stopped last, null if it never ran: a front-end that lets it go on elsewhere has a driver that began anew. */
    Integer stoppedAt;

    /** A vring nobody spoke of is enabled only for a front-end that does not negotiate protocol features. */
    enum Enabled { UNSAID, YES, NO }

    Vring(int index, BackendLink link) {
        this.index = index;
        call = new VringEvent(link, BackendRequest.VRING_CALL, index);
        err = new VringEvent(link, BackendRequest.VRING_ERR, index);
    }

    int base(RingFormat format) {
        return base != null ? base : format.newBase();
    }

    void replaceKick(EventFd next) {
        if (kick != null) kick.close();
        kick = next;
    }

    /** As at the beginning, but for whom to tell: the driver starts over, its front-end does not. */
    void reset() {
        size = 0;
        addresses = null;
        base = null;
        replaceKick(null);
        enabled = Enabled.NO;
    }

    @Override
    public void close() {
        replaceKick(null);
        call.close();
        err.close();
    }
}
