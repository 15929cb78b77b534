package io.vireo.actors.takeover;

/** A takeover that is not to be, and the old process goes on; the message is made for the operator. */
public final class TakeoverException extends RuntimeException {
    TakeoverException(String message) {
        super(message);
    }
}
