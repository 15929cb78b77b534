package io.vireo.actors.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.config.Origin;
import io.vireo.config.TransportConfig;
import io.vireo.posix.Errno;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ListeningSocketTest {
    @TempDir
    private Path directory;

    @Test
    void replacesTheSocketOfADeadProcess() {
        Path path = directory.resolve("s");
        UnixSocket.listen(path, 1).close();
        assertTrue(Files.exists(path), "closing leaves the file, as dying does");
        try (ListeningSocket socket = ListeningSocket.open(TransportConfig.SocketPath.of(path));
                UnixSocket client = UnixSocket.connect(path);
                UnixSocket accepted = socket.socket().accept()) {
            assertEquals(client.peer().pid(), accepted.peer().pid());
        }
        assertFalse(Files.exists(path));
    }

    @Test
    void leavesNoDirectoryOfItsMakingThatIsOfNoUse() throws IOException {
        Path path = directory.resolve("new/deep/s");
        var nobody = new TransportConfig.SocketPath(path, 0600, Optional.empty(), Optional.of("nobody-has-this"), Origin.PROGRAM);
        assertThrows(UncheckedIOException.class, () -> ListeningSocket.open(nobody));
        assertFalse(Files.exists(directory.resolve("new")));
        ListeningSocket.open(TransportConfig.SocketPath.of(path)).close();
        assertFalse(Files.exists(directory.resolve("new")));
        ListeningSocket socket = ListeningSocket.open(TransportConfig.SocketPath.of(path));
        Files.writeString(directory.resolve("new/theirs"), "");
        socket.close();
        assertTrue(Files.exists(directory.resolve("new/theirs")));
    }

    @Test
    void refusesALiveSocketNamingItsHolder() {
        Path path = directory.resolve("s");
        try (UnixSocket holder = UnixSocket.listen(path, 8)) {
            SocketInUseException refused = assertThrows(SocketInUseException.class,
                    () -> ListeningSocket.open(TransportConfig.SocketPath.of(path)));
            assertEquals(ProcessHandle.current().pid(), refused.holderPid());
            assertEquals(path, refused.path());
            assertTrue(refused.getMessage().contains(path.toString()));
            assertFalse(holder.fd().isClosed());
        }
        assertTrue(Files.exists(path));
    }

    @Test
    void touchesNoFileThatIsNoSocket() throws IOException {
        Path path = Files.writeString(directory.resolve("s"), "precious");
        PosixException refused = assertThrows(PosixException.class,
                () -> ListeningSocket.open(TransportConfig.SocketPath.of(path)));
        assertEquals(Errno.EADDRINUSE, refused.errno());
        assertEquals("precious", Files.readString(path));
    }

    @Test
    void makesMissingDirectoriesAsOpenAsTheSocket() throws IOException {
        Path alone = directory.resolve("a/b/s");
        Path shared = directory.resolve("c/d/s");
        try (ListeningSocket _ = ListeningSocket.open(wanted(alone, 0600, Optional.empty()));
                ListeningSocket _ = ListeningSocket.open(wanted(shared, 0660, Optional.empty()))) {
            assertEquals("rw-------", mode(alone));
            assertEquals("rwx------", mode(alone.getParent()));
            assertEquals("rw-rw----", mode(shared));
            assertEquals("rwxr-xr-x", mode(shared.getParent().getParent()));
        }
    }

    @Test
    void setsTheGroupByNameOrSaysThatThereIsNone() throws IOException {
        String ours = Files.readAttributes(directory, PosixFileAttributes.class).group().getName();
        Path path = directory.resolve("s");
        try (ListeningSocket _ = ListeningSocket.open(wanted(path, 0660, Optional.of(ours)))) {
            assertEquals(ours, Files.readAttributes(path, PosixFileAttributes.class).group().getName());
        }
        assertThrows(UncheckedIOException.class,
                () -> ListeningSocket.open(wanted(path, 0660, Optional.of("no-such-group"))));
        assertFalse(Files.exists(path), "nothing is left of a refusal");
    }

    @Test
    void leavesASocketAloneThatIsNoLongerItsOwn() throws IOException {
        Path path = directory.resolve("s");
        ListeningSocket before = ListeningSocket.open(TransportConfig.SocketPath.of(path));
        Files.move(path, directory.resolve("aside"));
        try (ListeningSocket _ = ListeningSocket.open(TransportConfig.SocketPath.of(path))) {
            before.close();
            assertTrue(Files.exists(path));
        }
    }

    @Test
    void adoptsAnInheritedSocketAndLeavesItsFile() {
        Path path = directory.resolve("s");
        UnixSocket parent = UnixSocket.listen(path, 1);
        int inherited = parent.fd().duplicate().release();
        parent.close();
        try (ListeningSocket socket = ListeningSocket.open(TransportConfig.SocketFd.of(inherited));
                UnixSocket _ = UnixSocket.connect(path);
                UnixSocket accepted = socket.socket().accept()) {
            assertEquals(ProcessHandle.current().pid(), accepted.peer().pid());
        }
        assertTrue(Files.exists(path));
    }

    private static TransportConfig.SocketPath wanted(Path path, int mode, Optional<String> group) {
        return new TransportConfig.SocketPath(path, mode, Optional.empty(), group, Origin.PROGRAM);
    }

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }
}
