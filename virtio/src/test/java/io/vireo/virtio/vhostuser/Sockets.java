package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.UnixSocket;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Sockets to be passed around; nobody is at their other end. */
final class Sockets {
    private Sockets() {}

    static Fd any() {
        Path path = directory().resolve("s");
        try (UnixSocket _ = UnixSocket.listen(path, 1); UnixSocket socket = UnixSocket.connect(path)) {
            return socket.fd().duplicate();
        } finally {
            remove(path);
        }
    }

    static Fd listening() {
        Path path = directory().resolve("s");
        try (UnixSocket socket = UnixSocket.listen(path, 1)) {
            return socket.fd().duplicate();
        } finally {
            remove(path);
        }
    }

    /** Java hides its number: it is the descriptor that was not there before. */
    @SuppressWarnings("try") // open is all that it has to be
    static Fd ip() {
        Set<Integer> before = sockets();
        try (ServerSocketChannel _ = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            Set<Integer> made = sockets();
            made.removeAll(before);
            return Fd.duplicateOf(made.iterator().next());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path directory() {
        try {
            return Files.createTempDirectory("vireo-session");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
            Files.delete(path.getParent());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Set<Integer> sockets() {
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
            return links.filter(Sockets::isSocket).map(link -> Integer.parseInt(link.getFileName().toString()))
                    .collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isSocket(Path link) {
        try {
            return Files.readSymbolicLink(link).toString().startsWith("socket:");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }
}
