package io.vireo.virtio.vhostuser;

/** What both sides have agreed on so far. Thread: the session's. */
final class Negotiation {
    /** Of {@link ProtocolFeatures#OFFERED}. */
    long protocolFeatures;
    /** Virtio's, with bit 30 and LOG_ALL; 0 until they were accepted. */
    long features;
    boolean featuresAccepted;

    boolean has(long protocolFeature) {
        return (protocolFeatures & protocolFeature) == protocolFeature;
    }

    /** Whether all that is written for requests is to be marked, in a log that there is a message for. */
    boolean logsAll() {
        return (features & ProtocolFeatures.LOG_ALL) != 0 && has(ProtocolFeatures.LOG_SHMFD);
    }

    /** A front-end that knows no protocol features knows nothing of enabling either. */
    boolean vringsBeginEnabled() {
        return (features & ProtocolFeatures.NEGOTIABLE) == 0;
    }

    /** The driver starts over; what the two programs agreed on stays. */
    void resetDriver() {
        features = 0;
        featuresAccepted = false;
    }
}
