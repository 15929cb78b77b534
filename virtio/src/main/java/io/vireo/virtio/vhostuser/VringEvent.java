package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;

/**
 * A vring's call or err: the front-end's eventfd, one of our own whose signals become messages, or none. Owns it.
 * Thread: the session's; the eventfd is signalled by any.
 */
final class VringEvent implements AutoCloseable {
    private final BackendLink link;
    private final BackendRequest request;
    private final int vring;
    private EventFd event;
    private boolean inband;
    /** The front-end has said what it is to be, if only that there is none. */
    private boolean said;

    VringEvent(BackendLink link, BackendRequest request, int vring) {
        this.link = link;
        this.request = request;
        this.vring = vring;
    }

    /** Null when there is none. */
    EventFd get() {
        return event;
    }

    /** Whether the front-end has said what it is, if only that there is none. */
    boolean isSaid() {
        return said;
    }

    /** What the front-end wants from now on, null for none; closes the one before. */
    void replace(EventFd next) {
        said = true;
        drop();
        event = next;
    }

    /** Sends messages, for want of an eventfd that the front-end would have preferred. */
    void sendInband() {
        if (said || event != null) return;
        EventFd ours = EventFd.create();
        try {
            link.watch(ours, request, vring);
        } catch (RuntimeException e) {
            ours.close();
            throw e;
        }
        event = ours;
        inband = true;
    }

    @Override
    public void close() {
        drop();
    }

    private void drop() {
        if (event == null) return;
        if (inband) link.forget(event);
        inband = false;
        event.close();
        event = null;
    }
}
