package io.vireo.daemon;

import io.vireo.config.DeviceConfig;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixException;
import io.vireo.posix.PosixFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The socket files of a daemon that cannot close what it serves, and yet is to leave nothing behind. */
final class MadeSockets {
    private final Map<Path, FileStatus> made = new LinkedHashMap<>();

    private MadeSockets() {}

    /** Of a configuration that is being served. */
    static MadeSockets of(VireoConfig config) {
        MadeSockets sockets = new MadeSockets();
        for (DeviceConfig device : config.devices().values()) {
            if (device.transport().orElse(null) instanceof TransportConfig.SocketPath socket) sockets.note(socket.path());
        }
        config.control().ifPresent(control -> sockets.note(control.path()));
        return sockets;
    }

    /** Removes those that are still ours: a path may have become somebody else's meanwhile. */
    void remove() {
        made.forEach((path, status) -> {
            try {
                if (PosixFile.status(path.toString()).sameFile(status)) Files.deleteIfExists(path);
            } catch (PosixException | IOException e) {
                // Gone already, or not ours to remove: the next start replaces it.
            }
        });
    }

    private void note(Path path) {
        try {
            made.put(path, PosixFile.status(path.toString()));
        } catch (PosixException e) {
            // Somebody removed it already.
        }
    }
}
