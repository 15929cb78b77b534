package io.vireo.virtio.vhostuser;

import java.util.Arrays;

/** A back-end's own requests (VHOST_USER_BACKEND_*), over the channel of SET_BACKEND_REQ_FD. */
public enum BackendRequest {
    CONFIG_CHANGE_MSG(2, ProtocolFeatures.CONFIG),
    VRING_CALL(4, ProtocolFeatures.INBAND_NOTIFICATIONS),
    VRING_ERR(5, ProtocolFeatures.INBAND_NOTIFICATIONS);

    private final int id;
    private final long needs;

    BackendRequest(int id, long needs) {
        this.id = id;
        this.needs = needs;
    }

    /** Null for a request not known here. */
    public static BackendRequest of(int id) {
        return Arrays.stream(values()).filter(request -> request.id == id).findFirst().orElse(null);
    }

    public int id() {
        return id;
    }

    /** The protocol feature without which it is not sent. */
    long needs() {
        return needs;
    }
}
