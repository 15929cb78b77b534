package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;

/** Where a session's own requests to the front-end go; whoever has the sockets has this. Thread: the session's. */
public interface BackendLink {
    /**
     * SET_BACKEND_REQ_FD: takes over a socket, which replaces the one before.
     *
     * @param protocolFeatures what was agreed on: whether requests are acknowledged, and which are understood
     */
    void connect(Fd socket, long protocolFeatures);

    /**
     * In-band notifications: whenever {@code event} is signalled, {@code request} is to be sent about the vring. The
     * event stays the session's, which closes it after {@link #forget}.
     */
    void watch(EventFd event, BackendRequest request, int vring);

    void forget(EventFd event);
}
