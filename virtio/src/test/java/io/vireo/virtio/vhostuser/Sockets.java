package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.UnixSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Sockets to be passed around; nobody is at their other end. */
final class Sockets {
    private Sockets() {}

    static Fd any() {
        try {
            Path directory = Files.createTempDirectory("vireo-session");
            Path path = directory.resolve("s");
            try (UnixSocket socket = UnixSocket.listen(path, 1)) {
                return socket.fd().duplicate();
            } finally {
                Files.deleteIfExists(path);
                Files.delete(directory);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
