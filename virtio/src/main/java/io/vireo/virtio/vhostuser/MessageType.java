package io.vireo.virtio.vhostuser;

/** The front-end's requests that this back-end understands, by the document's names and numbers. */
public enum MessageType {
    GET_FEATURES(1, 0, 0, 0, 0),
    SET_FEATURES(2, VhostUserLayout.U64_BYTES, 0, 0, 0),
    SET_OWNER(3, 0, 0, 0, 0),
    RESET_OWNER(4, 0, 0, 0, 0),
    SET_MEM_TABLE(5, -1, 0, VhostUserLayout.TABLE_REGIONS_MAX, 0),
    SET_LOG_BASE(6, VhostUserLayout.LOG_BYTES, 1, 1, ProtocolFeatures.LOG_SHMFD),
    SET_LOG_FD(7, 0, 1, 1, ProtocolFeatures.LOG_SHMFD),
    SET_VRING_NUM(8, VhostUserLayout.STATE_BYTES, 0, 0, 0),
    SET_VRING_ADDR(9, VhostUserLayout.ADDR_BYTES, 0, 0, 0),
    SET_VRING_BASE(10, VhostUserLayout.STATE_BYTES, 0, 0, 0),
    GET_VRING_BASE(11, VhostUserLayout.STATE_BYTES, 0, 0, 0),
    SET_VRING_KICK(12, VhostUserLayout.U64_BYTES, 0, 1, 0),
    SET_VRING_CALL(13, VhostUserLayout.U64_BYTES, 0, 1, 0),
    SET_VRING_ERR(14, VhostUserLayout.U64_BYTES, 0, 1, 0),
    GET_PROTOCOL_FEATURES(15, 0, 0, 0, 0),
    SET_PROTOCOL_FEATURES(16, VhostUserLayout.U64_BYTES, 0, 0, 0),
    GET_QUEUE_NUM(17, 0, 0, 0, ProtocolFeatures.MQ),
    SET_VRING_ENABLE(18, VhostUserLayout.STATE_BYTES, 0, 0, 0),
    SET_BACKEND_REQ_FD(21, 0, 1, 1, ProtocolFeatures.BACKEND_REQ),
    GET_CONFIG(24, -1, 0, 0, ProtocolFeatures.CONFIG),
    SET_CONFIG(25, -1, 0, 0, ProtocolFeatures.CONFIG),
    GET_INFLIGHT_FD(31, -1, 0, 0, ProtocolFeatures.INFLIGHT_SHMFD),
    SET_INFLIGHT_FD(32, -1, 1, 1, ProtocolFeatures.INFLIGHT_SHMFD),
    RESET_DEVICE(34, 0, 0, 0, ProtocolFeatures.RESET_DEVICE),
    VRING_KICK(35, VhostUserLayout.STATE_BYTES, 0, 0, ProtocolFeatures.INBAND_NOTIFICATIONS),
    GET_MAX_MEM_SLOTS(36, 0, 0, 0, ProtocolFeatures.CONFIGURE_MEM_SLOTS),
    ADD_MEM_REG(37, VhostUserLayout.SLOT_BYTES, 1, 1, ProtocolFeatures.CONFIGURE_MEM_SLOTS),
    /** Takes no descriptor; some front-ends attach one, which is closed unused, as the document asks. */
    REM_MEM_REG(38, VhostUserLayout.SLOT_BYTES, 0, 1, ProtocolFeatures.CONFIGURE_MEM_SLOTS),
    SET_STATUS(39, VhostUserLayout.U64_BYTES, 0, 0, ProtocolFeatures.STATUS),
    GET_STATUS(40, 0, 0, 0, ProtocolFeatures.STATUS),
    SET_DEVICE_STATE_FD(42, VhostUserLayout.DEVICE_STATE_BYTES, 1, 1, ProtocolFeatures.DEVICE_STATE),
    CHECK_DEVICE_STATE(43, 0, 0, 0, ProtocolFeatures.DEVICE_STATE);

    private static final MessageType[] BY_ID = new MessageType[44];

    static {
        for (MessageType type : values()) BY_ID[type.id] = type;
    }

    private final int id;
    private final int payloadBytes;
    private final int descriptorsMin;
    private final int descriptorsMax;
    private final long needs;

    /** @param payloadBytes the exact length, or -1 when the payload itself says how long it is */
    MessageType(int id, int payloadBytes, int descriptorsMin, int descriptorsMax, long needs) {
        this.id = id;
        this.payloadBytes = payloadBytes;
        this.descriptorsMin = descriptorsMin;
        this.descriptorsMax = descriptorsMax;
        this.needs = needs;
    }

    /** Null for a request not known here. */
    public static MessageType of(int id) {
        return id > 0 && id < BY_ID.length ? BY_ID[id] : null;
    }

    public int id() {
        return id;
    }

    /** Whether the request has a reply of its own, so that need_reply changes nothing. */
    public boolean hasReply() {
        return switch (this) {
            case GET_FEATURES, GET_PROTOCOL_FEATURES, GET_VRING_BASE, GET_QUEUE_NUM, GET_CONFIG, GET_INFLIGHT_FD,
                GET_MAX_MEM_SLOTS, GET_STATUS, SET_DEVICE_STATE_FD, CHECK_DEVICE_STATE -> true;
            default -> false;
        };
    }

    boolean acceptsPayload(int lengthBytes) {
        return payloadBytes < 0 || payloadBytes == lengthBytes;
    }

    boolean acceptsDescriptors(int count) {
        return count >= descriptorsMin && count <= descriptorsMax;
    }

    /** The protocol feature without which the request is an error; 0 when it is always legal. */
    long needs() {
        return needs;
    }
}
