package io.vireo.actors.device;

/**
 * A page of guest memory went away under us, as when a front-end truncates the file behind it. Made from the JVM's
 * {@link InternalError} at the edge of guest memory, because Akka takes that error for its own end.
 */
public final class GuestMemoryLost extends RuntimeException {
    GuestMemoryLost(InternalError cause) {
        super("guest memory is gone", cause);
    }
}
