package io.vireo.actors.plane;

import io.vireo.config.TransportConfig;

/** A device's socket cannot be made. The message says where the configuration names it and what the system answered. */
public final class TransportException extends RuntimeException {
    TransportException(TransportConfig transport, String what, Throwable reason) {
        super(transport.origin().message(what), reason);
    }
}
