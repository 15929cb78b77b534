package io.vireo.config;

import io.vireo.config.TransportConfig.SocketPath;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** The key {@code path} of a block, where it is a UNIX socket's. */
final class SocketPaths {
    private SocketPaths() {}

    /** @param example said to whoever left it out */
    static Path require(Block block, String example) {
        if (!block.says("path")) block.missing("path", example);
        Path path = block.path("path").orElse(Path.of("/"));
        int bytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > SocketPath.PATH_BYTES_MAX) {
            block.problem("path", "is " + bytes + " bytes long: " + path,
                    "allowed: at most " + SocketPath.PATH_BYTES_MAX + " in a UNIX socket's path");
        }
        return path;
    }
}
