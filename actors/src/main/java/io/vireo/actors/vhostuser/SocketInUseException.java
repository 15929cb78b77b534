package io.vireo.actors.vhostuser;

import java.nio.file.Path;

/** Somebody alive listens at a socket path that we were to serve. */
public final class SocketInUseException extends RuntimeException {
    private final Path path;
    private final int holderPid;

    SocketInUseException(Path path, int holderPid) {
        super("socket " + path + " is in use by process " + holderPid);
        this.path = path;
        this.holderPid = holderPid;
    }

    public Path path() {
        return path;
    }

    /** Process that listens there. */
    public int holderPid() {
        return holderPid;
    }
}
