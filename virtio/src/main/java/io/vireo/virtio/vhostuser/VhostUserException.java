package io.vireo.virtio.vhostuser;

/**
 * The front-end sent something it must not, or something that cannot be done. It is the peer's fault, never ours, so it
 * carries no stack trace; the message holds the numbers.
 */
public final class VhostUserException extends RuntimeException {
    /** What was wrong; small and stable, for logs and counters. */
    public enum Fault {
        HEADER,
        TRUNCATED,
        UNREAD_REPLIES,
        OUT_OF_BAND,
        UNKNOWN_REQUEST,
        NOT_NEGOTIATED,
        PAYLOAD_SIZE,
        DESCRIPTOR_COUNT,
        DESCRIPTOR_KIND,
        FEATURES,
        VRING_INDEX,
        VRING_SIZE,
        VRING_BASE,
        VRING_ADDRESS,
        VRING_RUNNING,
        MEMORY_REGION,
        MEMORY_SLOTS,
        LOG,
        INFLIGHT,
        CONFIG,
        STATUS,
        DEVICE_STATE,
        RESERVED
    }

    private final Fault fault;

    public VhostUserException(Fault fault, String message) {
        super(message, null, false, false);
        this.fault = fault;
    }

    public Fault fault() {
        return fault;
    }
}
