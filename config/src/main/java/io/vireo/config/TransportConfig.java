package io.vireo.config;

import java.nio.file.Path;
import java.util.Optional;

/** Where a vhost-user front-end and a device find each other. */
public sealed interface TransportConfig {
    Origin origin();

    /** The guest comes from elsewhere: its image is left to whoever has it until its first virtqueue starts. */
    boolean incoming();

    /** We listen, and front-ends connect. */
    sealed interface Listening extends TransportConfig {}

    /**
     * A socket that we create, and whose directory we create when it is missing.
     *
     * @param path absolute when it came from {@link ConfigLoader}; at most {@link #PATH_BYTES_MAX} bytes
     * @param mode permission bits
     * @param user name or number of its owner; empty = ours
     * @param group name or number; empty = ours
     */
    record SocketPath(
            Path path, int mode, Optional<String> user, Optional<String> group, boolean incoming, Origin origin)
            implements Listening {
        /** sockaddr_un has 108 bytes, one of them for the end. */
        public static final int PATH_BYTES_MAX = 107;

        public static final int MODE_ALONE = 0600;
        public static final int MODE_WITH_GROUP = 0660;

        public SocketPath(Path path, int mode, Optional<String> user, Optional<String> group, Origin origin) {
            this(path, mode, user, group, false, origin);
        }

        /** For ourselves alone. */
        public static SocketPath of(Path path) {
            return new SocketPath(path, MODE_ALONE, Optional.empty(), Optional.empty(), Origin.PROGRAM);
        }
    }

    /** A listening socket that we were started with. */
    record SocketFd(int fd, boolean incoming, Origin origin) implements Listening {
        public static SocketFd of(int fd) {
            return new SocketFd(fd, false, Origin.PROGRAM);
        }
    }

    /** A socket on which the front-end listens: we connect, again and again until it does. */
    record SocketPeer(Path path, boolean incoming, Origin origin) implements TransportConfig {}
}
