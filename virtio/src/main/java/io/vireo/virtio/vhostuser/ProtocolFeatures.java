package io.vireo.virtio.vhostuser;

/** Protocol feature bits, as masks, by the names of the vhost-user document (VHOST_USER_PROTOCOL_F_*). */
public final class ProtocolFeatures {
    public static final long MQ = 1L << 0;
    public static final long LOG_SHMFD = 1L << 1;
    public static final long REPLY_ACK = 1L << 3;
    public static final long BACKEND_REQ = 1L << 5;
    public static final long CONFIG = 1L << 9;
    public static final long BACKEND_SEND_FD = 1L << 10;
    public static final long INFLIGHT_SHMFD = 1L << 12;
    public static final long RESET_DEVICE = 1L << 13;
    public static final long INBAND_NOTIFICATIONS = 1L << 14;
    public static final long CONFIGURE_MEM_SLOTS = 1L << 15;
    public static final long STATUS = 1L << 16;
    public static final long DEVICE_STATE = 1L << 19;
    public static final long GET_VRING_BASE_INFLIGHT = 1L << 20;

    /**
     * VHOST_USER_F_PROTOCOL_FEATURES: among the virtio feature bits, says that the two messages about protocol features
     * are understood. Virtio itself never uses the bit.
     */
    public static final long NEGOTIABLE = 1L << 30;

    /** VHOST_F_LOG_ALL, another of vhost-user's own among the virtio feature bits: written pages are marked in a log. */
    public static final long LOG_ALL = 1L << 26;

    /** What a session offers. */
    public static final long OFFERED = MQ | LOG_SHMFD | REPLY_ACK | BACKEND_REQ | CONFIG | BACKEND_SEND_FD
            | INFLIGHT_SHMFD | RESET_DEVICE | INBAND_NOTIFICATIONS | CONFIGURE_MEM_SLOTS | STATUS | DEVICE_STATE
            | GET_VRING_BASE_INFLIGHT;

    /** What INBAND_NOTIFICATIONS cannot do without. */
    static final long INBAND_NEEDS = BACKEND_REQ | REPLY_ACK;

    private ProtocolFeatures() {}
}
