package io.vireo.posix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import jnr.posix.RLimit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(20)
class UnixSocketTest {
    private static final int RLIMIT_NOFILE = 7;

    @TempDir Path folder;
    private final NativeBlock out = NativeBlock.allocate(4096, 8);
    private final NativeBlock in = NativeBlock.allocate(4096, 8);
    private final List<Fd> fds = new ArrayList<>();
    private Path path;
    private UnixSocket listener;
    private UnixSocket client;
    private UnixSocket server;

    @BeforeEach
    void connect() {
        path = folder.resolve("s");
        listener = UnixSocket.listen(path, 4);
        client = UnixSocket.connect(path);
        server = listener.accept();
    }

    @AfterEach
    void close() {
        fds.forEach(Fd::close);
        client.close();
        server.close();
        listener.close();
        out.close();
        in.close();
    }

    @Test
    void saysThatThereIsNothingRatherThanWait() {
        assertEquals(-1, server.tryReceive(in.address(), 16, fds));
        send(client, new byte[] {1, 2});
        assertEquals(2, server.tryReceive(in.address(), 16, fds));
        assertEquals(-1, server.tryReceive(in.address(), 16, fds));
        client.close();
        assertEquals(0, server.tryReceive(in.address(), 16, fds));
    }

    @Test
    void tellsAConnectionFromOtherDescriptors() {
        assertNull(UnixSocket.whyNotConnected(client.fd()));
        assertEquals("is a socket that listens", UnixSocket.whyNotConnected(listener.fd()));
        try (EventFd event = EventFd.create()) {
            assertEquals("is no socket", UnixSocket.whyNotConnected(event.fd()));
        }
    }

    @Test
    void carriesBytes() {
        byte[] sent = {1, 2, 3, 4, 5};
        send(client, sent);
        assertEquals(5, server.receive(in.address(), 4096, fds));
        byte[] received = new byte[5];
        Memory.copy(in.address(), received, 0, 5);
        assertArrayEquals(sent, received);
        assertTrue(fds.isEmpty());
    }

    @Test
    void passesDescriptorsOfTheSameFileCloseOnExec() {
        try (Fd memory = Memfd.create("passed", 8192); EventFd event = EventFd.create()) {
            client.send(out.address(), 1, memory.number(), event.fd().number());
            assertEquals(1, server.receive(in.address(), 4096, fds));
            assertEquals(2, fds.size());
            assertTrue(PosixFile.status(fds.get(0)).sameFile(PosixFile.status(memory)));
            assertEquals(PosixFile.O_CLOEXEC, PosixFileTest.flags(fds.get(0)) & PosixFile.O_CLOEXEC);
            EventFd.owning(fds.get(1)).signal();
            assertTrue(event.clear(in.address()));
        }
    }

    @Test
    void acceptsAsManyDescriptorsAsAMessageCanHold() {
        try (EventFd event = EventFd.create()) {
            int[] many = new int[UnixSocket.FDS_MAX];
            Arrays.fill(many, event.fd().number());
            client.send(out.address(), 12, many);
            assertEquals(12, server.receiveFully(in.address(), 12, fds));
            assertEquals(UnixSocket.FDS_MAX, fds.size());
            assertThrows(IllegalArgumentException.class, () -> client.send(out.address(), 1, new int[254]));
        }
    }

    @Test
    void boundsDescriptorsThatTrickleInByteByByte() {
        try (EventFd event = EventFd.create()) {
            int[] many = new int[200];
            Arrays.fill(many, event.fd().number());
            client.send(out.address(), 1, many);
            client.send(out.address(), 1, many);
            PosixException refused =
                    assertThrows(PosixException.class, () -> server.receiveFully(in.address(), 12, fds));
            assertEquals(Errno.EMFILE, refused.errno());
            assertEquals(400, fds.size(), "all of them stay for the caller to close");
        }
    }

    @Test
    void closesWhatArrivedWhenDescriptorsWereLost() throws IOException {
        RLimit before = Jnr.POSIX.getrlimit(RLIMIT_NOFILE);
        try (EventFd event = EventFd.create()) {
            int[] many = new int[40];
            Arrays.fill(many, event.fd().number());
            client.send(out.address(), 12, many);
            long open = openDescriptors();
            int highest = event.fd().number();
            // Room for some of them, whatever gaps the table has.
            assertEquals(0, Jnr.POSIX.setrlimit(RLIMIT_NOFILE, highest + 20, before.rlimMax()));
            PosixException lost = assertThrows(
                    PosixException.class, () -> server.receive(in.address(), 12, fds));
            assertEquals(0, Jnr.POSIX.setrlimit(RLIMIT_NOFILE, before.rlimCur(), before.rlimMax()));
            assertEquals(Errno.EMFILE, lost.errno());
            assertTrue(fds.isEmpty());
            assertEquals(open, openDescriptors());
        } finally {
            Jnr.POSIX.setrlimit(RLIMIT_NOFILE, before.rlimCur(), before.rlimMax());
        }
    }

    @Test
    void leavesNothingBehind() throws IOException {
        long open = openDescriptors();
        for (int i = 0; i < 50; i++) {
            try (UnixSocket one = UnixSocket.connect(path); UnixSocket other = listener.accept();
                    EventFd event = EventFd.create()) {
                one.send(out.address(), 12, event.fd().number(), event.fd().number());
                assertEquals(12, other.receiveFully(in.address(), 12, fds));
                fds.forEach(Fd::close);
                fds.clear();
            }
        }
        assertEquals(open, openDescriptors());
    }

    @Test
    void leavesTheNextMessageAlone() {
        send(client, new byte[12]);
        try (EventFd event = EventFd.create()) {
            client.send(out.address(), 12, event.fd().number());
            assertEquals(12, server.receiveFully(in.address(), 12, fds));
            assertTrue(fds.isEmpty());
            assertEquals(12, server.receiveFully(in.address(), 12, fds));
            assertEquals(1, fds.size());
        }
    }

    @Test
    void collectsAMessageThatCameInPieces() {
        send(client, new byte[] {1, 2});
        send(client, new byte[] {3});
        CompletableFuture<Void> rest = CompletableFuture.runAsync(() -> send(client, new byte[] {4, 5}));
        assertEquals(5, server.receiveFully(in.address(), 5, fds));
        assertEquals(5, Memory.getU8(in.address() + 4));
        rest.join();
    }

    @Test
    void answersWhatThereWasWhenTheStreamEndsEarly() {
        send(client, new byte[] {1, 2});
        client.close();
        assertEquals(2, server.receiveFully(in.address(), 12, fds));
        assertEquals(0, server.receive(in.address(), 12, fds));
    }

    @Test
    void saysThatNobodyReadsAnyMore() {
        server.close();
        assertEquals(Errno.EPIPE, assertThrows(PosixException.class, () -> send(client, new byte[1])).errno());
    }

    @Test
    void shutdownEndsAWaitingReceive() throws Exception {
        CompletableFuture<Integer> waiting =
                CompletableFuture.supplyAsync(() -> server.receive(in.address(), 12, fds));
        server.shutdown();
        assertEquals(0, waiting.get(10, TimeUnit.SECONDS));
    }

    @Test
    void closeEndsAWaitingReceiveAndThenTheDescriptor() throws Exception {
        CompletableFuture<Integer> waiting =
                CompletableFuture.supplyAsync(() -> server.receive(in.address(), 12, fds));
        server.close();
        assertEquals(0, waiting.get(10, TimeUnit.SECONDS));
        assertTrue(server.fd().isClosed());
        assertEquals(0, server.receive(in.address(), 12, fds));
    }

    @Test
    void shutdownEndsAWaitingAccept() throws Exception {
        CompletableFuture<UnixSocket> waiting = CompletableFuture.supplyAsync(listener::accept);
        listener.shutdown();
        assertNull(waiting.get(10, TimeUnit.SECONDS));
        assertNull(listener.accept());
    }

    @Test
    void adoptsAListeningSocketAndLeavesItListening() throws Exception {
        try (UnixSocket adopted = UnixSocket.adoptListening(listener.fd().duplicate());
                UnixSocket second = UnixSocket.connect(path);
                UnixSocket accepted = adopted.accept()) {
            send(second, new byte[3]);
            assertEquals(3, accepted.receive(in.address(), 12, fds));
        }
        UnixSocket.connect(path).close();
    }

    @Test
    void refusesToAdoptWhatDoesNotListen() {
        assertThrows(IllegalArgumentException.class, () -> UnixSocket.adoptListening(client.fd()));
        try (Fd file = Memfd.create("no socket", 1)) {
            assertThrows(IllegalArgumentException.class, () -> UnixSocket.adoptListening(file));
            assertFalse(file.isClosed());
        }
    }

    @Test
    void knowsItsPeer() {
        assertEquals(ProcessHandle.current().pid(), server.peer().pid());
    }

    @Test
    void letsNobodyInBeforeItListens() {
        Path quiet = folder.resolve("quiet");
        try (UnixSocket bound = UnixSocket.bind(quiet)) {
            assertEquals(Errno.ECONNREFUSED,
                    assertThrows(PosixException.class, () -> UnixSocket.connect(quiet)).errno());
            PosixFile.chmod(quiet.toString(), 0660);
            bound.listen(1);
            UnixSocket.connect(quiet).close();
            assertEquals(0660, PosixFile.status(quiet.toString()).mode());
        }
    }

    @Test
    void refusesAPathThatIsTooLongOrTaken() {
        Path tooLong = folder.resolve("x".repeat(108));
        PosixException refused = assertThrows(PosixException.class, () -> UnixSocket.listen(tooLong, 1));
        assertEquals(Errno.ENAMETOOLONG, refused.errno());
        assertTrue(refused.getMessage().contains("107"), refused.getMessage());
        assertEquals(Errno.EADDRINUSE,
                assertThrows(PosixException.class, () -> UnixSocket.listen(path, 1)).errno());
    }

    private static long openDescriptors() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.count();
        }
    }

    private void send(UnixSocket socket, byte[] bytes) {
        try (NativeBlock block = NativeBlock.allocate(Math.max(1, bytes.length), 8)) {
            Memory.copy(bytes, 0, block.address(), bytes.length);
            socket.send(block.address(), bytes.length);
        }
    }
}
