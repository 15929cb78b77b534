package io.vireo.actors.vhostuser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.config.Origin;
import io.vireo.config.TransportConfig;
import io.vireo.posix.UnixSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TransportCheckTest {
    @TempDir
    private Path folder;

    private static void finds(String what, TransportConfig transport) {
        String found = TransportCheck.problem(transport).orElse("nothing");
        assertTrue(found.contains(what) && found.contains("; allowed: "), found);
    }

    private static TransportConfig named(Path path, Optional<String> user, Optional<String> group) {
        return new TransportConfig.SocketPath(path, 0660, user, group, Origin.PROGRAM);
    }

    @Test
    void findsNothingWrongWithWhatWillWorkAndMakesNothing() {
        Path path = folder.resolve("new/deep/s");
        assertEquals(Optional.empty(), TransportCheck.problem(named(path, Optional.of("root"), Optional.of("0"))));
        assertFalse(Files.exists(folder.resolve("new")));
        Path dead = folder.resolve("dead");
        UnixSocket.listen(dead, 1).close();
        assertEquals(Optional.empty(), TransportCheck.problem(TransportConfig.SocketPath.of(dead)));
    }

    @Test
    void namesTheUserOrGroupThatIsNotThere() {
        finds("no group 'nobody-has-this'", named(folder.resolve("s"), Optional.empty(), Optional.of("nobody-has-this")));
        finds("no user 'nobody-has-this'", named(folder.resolve("s"), Optional.of("nobody-has-this"), Optional.empty()));
    }

    @Test
    void namesWhatIsInTheWay() throws Exception {
        Path file = Files.writeString(folder.resolve("file"), "precious");
        finds(file + " is there already and is a file", TransportConfig.SocketPath.of(file));
        finds(folder + " is there already and is a directory", TransportConfig.SocketPath.of(folder));
        finds(file + " is not a directory", TransportConfig.SocketPath.of(file.resolve("s")));
    }
}
