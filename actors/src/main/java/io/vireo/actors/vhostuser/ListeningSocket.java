package io.vireo.actors.vhostuser;

import io.vireo.config.TransportConfig;
import io.vireo.posix.Errno;
import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixException;
import io.vireo.posix.PosixFile;
import io.vireo.posix.UnixSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.util.ArrayList;
import java.util.List;

/**
 * An export's listening socket. One that is ours is removed at the end, unless its path has become somebody else's by
 * then; one that was handed to us is only closed.
 */
public final class ListeningSocket implements AutoCloseable {
    private static final int BACKLOG = 16;
    private static final int OTHERS = 0077;
    private static final int DIRECTORY_FOR_ALL = 0755;
    private static final int DIRECTORY_FOR_US = 0700;

    private final UnixSocket socket;
    /** Null for a socket that was handed to us. */
    private final Path path;
    /** The file at the path; null while another process has it too. */
    private FileStatus made;
    /** Those that were missing, the innermost first. */
    private final List<Path> madeDirectories;

    private ListeningSocket(UnixSocket socket, Path path, FileStatus made, List<Path> madeDirectories) {
        this.socket = socket;
        this.path = path;
        this.made = made;
        this.madeDirectories = madeDirectories;
    }

    /**
     * Opens what the configuration says.
     *
     * @throws SocketInUseException somebody alive listens at the path
     * @throws PosixException the path cannot be bound: EADDRINUSE when a file that is no socket is in the way
     * @throws UncheckedIOException no such user or group, or no right to set them or to make the directory
     * @throws IllegalArgumentException the descriptor is no listening socket
     */
    public static ListeningSocket open(TransportConfig.Listening transport) {
        return switch (transport) {
            case TransportConfig.SocketPath path -> bind(path);
            case TransportConfig.SocketFd inherited -> adopt(inherited.fd());
        };
    }

    /**
     * One that another process has opened as the configuration says, and goes on with until {@link #own}.
     *
     * @param fd owned from here on
     * @throws IllegalArgumentException it is no listening socket; {@code fd} is closed then
     */
    public static ListeningSocket inherited(TransportConfig.Listening transport, Fd fd) {
        Path path = switch (transport) {
            case TransportConfig.SocketPath named -> named.path();
            case TransportConfig.SocketFd _ -> null;
        };
        try {
            return new ListeningSocket(UnixSocket.adoptListening(fd), path, null, List.of());
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** The other process has gone: those who connect from now on find that this one listens. */
    public void own() {
        if (path == null || !Files.exists(path)) return;
        socket.listen(BACKLOG);
        made = PosixFile.status(path.toString());
    }

    public UnixSocket socket() {
        return socket;
    }

    @Override
    public void close() {
        if (made != null && isStillOurs()) removeIfThere(path);
        removeEmpty(madeDirectories);
        socket.close();
    }

    private static ListeningSocket adopt(int number) {
        return new ListeningSocket(UnixSocket.adoptListening(Fd.owning(number)), null, null, List.of());
    }

    private static ListeningSocket bind(TransportConfig.SocketPath wanted) {
        Path path = wanted.path();
        List<Path> madeDirectories = new ArrayList<>();
        UnixSocket socket;
        try {
            if (path.getParent() != null) createDirectories(path.getParent(), wanted.mode(), madeDirectories);
            socket = bindReplacing(path);
        } catch (IOException e) {
            removeEmpty(madeDirectories);
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            removeEmpty(madeDirectories);
            throw e;
        }
        try {
            FileStatus made = PosixFile.status(path.toString());
            // Nobody can connect before listen(), so nobody does while the permissions are still the umask's.
            PosixFile.chmod(path.toString(), wanted.mode());
            setOwner(wanted);
            socket.listen(BACKLOG);
            return new ListeningSocket(socket, path, made, madeDirectories);
        } catch (IOException e) {
            abandon(socket, path);
            removeEmpty(madeDirectories);
            throw new UncheckedIOException(e);
        } catch (RuntimeException e) {
            abandon(socket, path);
            removeEmpty(madeDirectories);
            throw e;
        }
    }

    private static UnixSocket bindReplacing(Path path) {
        try {
            return UnixSocket.bind(path);
        } catch (PosixException e) {
            if (e.errno() != Errno.EADDRINUSE || !isDeadSocket(path)) throw e;
        }
        removeIfThere(path);
        return UnixSocket.bind(path);
    }

    /** @throws SocketInUseException it is a live one */
    private static boolean isDeadSocket(Path path) {
        if (PosixFile.status(path.toString()).kind() != FileStatus.Kind.SOCKET) return false;
        try (UnixSocket answered = UnixSocket.connect(path)) {
            throw new SocketInUseException(path, answered.peer().pid());
        } catch (PosixException e) {
            return e.errno() == Errno.ECONNREFUSED;
        }
    }

    private static void createDirectories(Path directory, int socketMode, List<Path> made) throws IOException {
        if (Files.isDirectory(directory)) return;
        if (directory.getParent() != null) createDirectories(directory.getParent(), socketMode, made);
        Files.createDirectory(directory);
        made.addFirst(directory);
        PosixFile.chmod(directory.toString(), (socketMode & OTHERS) != 0 ? DIRECTORY_FOR_ALL : DIRECTORY_FOR_US);
    }

    private static void setOwner(TransportConfig.SocketPath wanted) throws IOException {
        PosixFileAttributeView file = Files.getFileAttributeView(wanted.path(), PosixFileAttributeView.class);
        UserPrincipalLookupService names = wanted.path().getFileSystem().getUserPrincipalLookupService();
        // The group first: having given the file away, we might no longer change it.
        if (wanted.group().isPresent()) file.setGroup(names.lookupPrincipalByGroupName(wanted.group().get()));
        if (wanted.user().isPresent()) file.setOwner(names.lookupPrincipalByName(wanted.user().get()));
    }

    private static void abandon(UnixSocket socket, Path path) {
        socket.close();
        removeIfThere(path);
    }

    private static void removeIfThere(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As far as nobody has put anything into them. */
    private static void removeEmpty(List<Path> directories) {
        try {
            for (Path directory : directories) Files.deleteIfExists(directory);
        } catch (IOException e) {
            // In use by others, or gone from under us: then it is theirs.
        }
    }

    private boolean isStillOurs() {
        try {
            return PosixFile.status(path.toString()).sameFile(made);
        } catch (PosixException e) {
            return false;
        }
    }
}
