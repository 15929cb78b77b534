package io.vireo.virtio.vhostuser;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import java.util.HashMap;
import java.util.Map;

/** Owns the channel of a session's test, and knows which events would be sent as messages. */
final class RecordingLink implements BackendLink, AutoCloseable {
    final Map<EventFd, String> watched = new HashMap<>();
    Fd socket;
    long protocolFeatures;

    @Override
    public void connect(Fd next, long agreed) {
        if (socket != null) socket.close();
        socket = next;
        protocolFeatures = agreed;
    }

    @Override
    public void watch(EventFd event, BackendRequest request, int vring) {
        assertNull(watched.put(event, request + " " + vring));
    }

    @Override
    public void forget(EventFd event) {
        assertFalse(event.fd().isClosed(), "an event is forgotten before it is closed");
        assertNotNull(watched.remove(event), "only what is watched is forgotten");
    }

    @Override
    public void close() {
        if (socket != null) socket.close();
    }
}
