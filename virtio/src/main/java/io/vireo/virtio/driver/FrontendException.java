package io.vireo.virtio.driver;

/** A conversation with a back-end went wrong. */
public final class FrontendException extends RuntimeException {
    /** What went wrong. */
    public enum Fault {
        /** No answer within the time. */
        TIMEOUT,
        /** The back-end ended the connection. */
        CLOSED,
        /** An answer that is none to what was asked, or has the wrong size. */
        WRONG_REPLY,
        /** An acknowledgement other than 0. */
        REFUSED,
        /** The back-end does not offer what is needed. */
        NOT_OFFERED
    }

    private final Fault fault;

    public FrontendException(Fault fault, String message) {
        super(message);
        this.fault = fault;
    }

    public Fault fault() {
        return fault;
    }
}
