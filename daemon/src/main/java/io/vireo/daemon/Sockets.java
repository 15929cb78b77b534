package io.vireo.daemon;

import io.vireo.config.TransportConfig;

/** Where devices are to be found, in words. */
final class Sockets {
    private Sockets() {}

    static String describe(TransportConfig transport) {
        return switch (transport) {
            case TransportConfig.SocketPath path -> path.path().toString();
            case TransportConfig.SocketPeer peer -> peer.path() + " once its front-end listens";
            case TransportConfig.SocketFd inherited -> "descriptor " + inherited.fd();
        };
    }
}
