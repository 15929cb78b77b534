package io.vireo.actors.vhostuser;

import io.vireo.config.TransportConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.Optional;

/** What would keep a device's socket from being made, found out without making anything. */
public final class TransportCheck {
    private static final int S_IFMT = 0170000;
    private static final int S_IFSOCK = 0140000;

    private TransportCheck() {}

    /** What is wrong, and what would be right; empty when nothing is seen to be. */
    public static Optional<String> problem(TransportConfig transport) {
        if (!(transport instanceof TransportConfig.SocketPath socket)) return Optional.empty();
        return inTheWay(socket.path()).or(() -> folder(socket.path())).or(() -> names(socket));
    }

    private static Optional<String> inTheWay(Path path) {
        try {
            if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) return Optional.empty();
            int mode = (int) Files.getAttribute(path, "unix:mode");
            if ((mode & S_IFMT) == S_IFSOCK) return Optional.empty();
            return Optional.of(path + " is there already and is " + (Files.isDirectory(path) ? "a directory" : "a file")
                    + ", not a socket; allowed: a path that is free, or a dead process's socket");
        } catch (IOException e) {
            return Optional.of(path + " cannot be looked at: " + e.getMessage());
        }
    }

    /** The nearest folder above that is there must be one, and let us make what is missing. */
    private static Optional<String> folder(Path path) {
        Path above = path.toAbsolutePath().getParent();
        while (above != null && !Files.exists(above)) above = above.getParent();
        if (above == null || !Files.isDirectory(above)) return Optional.of(above + " is not a directory; allowed: a path in one");
        if (!Files.isWritable(above) || !Files.isExecutable(above)) {
            return Optional.of("nothing may be made in " + above + " by this user; allowed: a directory that is ours to write");
        }
        return Optional.empty();
    }

    private static Optional<String> names(TransportConfig.SocketPath socket) {
        UserPrincipalLookupService names = socket.path().getFileSystem().getUserPrincipalLookupService();
        try {
            if (socket.group().isPresent()) names.lookupPrincipalByGroupName(socket.group().get());
        } catch (UserPrincipalNotFoundException e) {
            return Optional.of("there is no group '" + socket.group().get() + "'; allowed: a group of this system, or its number");
        } catch (IOException e) {
            return Optional.of("the group cannot be looked up: " + e.getMessage());
        }
        try {
            if (socket.user().isPresent()) names.lookupPrincipalByName(socket.user().get());
        } catch (UserPrincipalNotFoundException e) {
            return Optional.of("there is no user '" + socket.user().get() + "'; allowed: a user of this system, or its number");
        } catch (IOException e) {
            return Optional.of("the user cannot be looked up: " + e.getMessage());
        }
        return Optional.empty();
    }
}
