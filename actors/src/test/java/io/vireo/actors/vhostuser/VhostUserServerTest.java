package io.vireo.actors.vhostuser;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.config.TransportConfig;
import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.MessageType;
import io.vireo.virtio.vhostuser.ProtocolFeatures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A server on a real socket: whatever its clients do, the next one is served and nothing is left open. */
@Timeout(60)
class VhostUserServerTest {
    private static final byte[] NOTHING = new byte[0];

    @TempDir
    private Path directory;

    private final FakeDevice device = new FakeDevice();
    private long descriptorsBefore;
    private Path path;
    private ListeningSocket listening;
    private VhostUserServer server;

    @BeforeEach
    void serve() throws IOException {
        path = directory.resolve("vda.sock");
        descriptorsBefore = openDescriptors();
        listening = ListeningSocket.open(TransportConfig.SocketPath.of(path));
        server = VhostUserServer.listening("vda", listening.socket(), device,
                new RateLimitedLog(LoggerFactory.getLogger(VhostUserServer.class), "vda", Map.of()));
        server.start();
    }

    @AfterEach
    void leavesNothingBehind() throws IOException, InterruptedException {
        server.close();
        listening.close();
        assertTrue(server.awaitStopped(Duration.ZERO));
        assertFalse(server.clientConnected());
        assertEquals(descriptorsBefore, openDescriptors());
        assertFalse(Files.exists(path));
    }

    @Test
    void servesOneClientAfterTheOther() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            try (FrontEnd frontEnd = new FrontEnd(path)) {
                frontEnd.negotiate();
                frontEnd.startVring();
                assertEquals(ProcessHandle.current().pid(), server.client().orElseThrow().pid());
            }
            for (String event : new String[] {"features", "memory", "start 0", "stop 0", "disconnected"}) expect(event);
        }
    }

    @Test
    void refusesASecondClientAtOnceAndKeepsTheFirst() {
        try (FrontEnd first = new FrontEnd(path)) {
            first.negotiate();
            for (int i = 0; i < 20; i++) {
                try (FrontEnd second = new FrontEnd(path)) {
                    assertTrue(second.awaitEnd());
                }
            }
            assertEquals(2, first.ask(MessageType.GET_QUEUE_NUM, NOTHING));
        }
    }

    @Test
    void neverRefusesTheNextClientOnceTheOneBeforeHasGone() {
        for (int i = 0; i < 500; i++) {
            FrontEnd before = new FrontEnd(path);
            before.send(MessageType.SET_OWNER, NOTHING);
            if (i % 2 == 0) before.ask(MessageType.GET_FEATURES, NOTHING);
            before.send(MessageType.GET_FEATURES, NOTHING);
            before.close();
            try (FrontEnd next = new FrontEnd(path)) {
                assertEquals(1L << 32 | 1L << 30 | 1L << 26, next.ask(MessageType.GET_FEATURES, NOTHING));
            }
        }
    }

    @Test
    void acceptsAMessageByteByByte() {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            for (byte one : FrontEnd.message(MessageType.GET_PROTOCOL_FEATURES.id(), 1, NOTHING)) frontEnd.raw(new byte[] {one});
            assertEquals(ProtocolFeatures.OFFERED, frontEnd.reply(MessageType.GET_PROTOCOL_FEATURES.id()));
        }
    }

    @Test
    void keepsMessagesSentTogetherApart() {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            byte[] one = FrontEnd.message(MessageType.GET_FEATURES.id(), 1, NOTHING);
            byte[] three = new byte[36];
            for (int i = 0; i < 3; i++) System.arraycopy(one, 0, three, 12 * i, 12);
            frontEnd.raw(three);
            for (int i = 0; i < 3; i++) assertEquals(1L << 32 | 1L << 30 | 1L << 26, frontEnd.reply(MessageType.GET_FEATURES.id()));
        }
    }

    @Test
    void goesOnAfterARefusalThatWasAcknowledged() {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            frontEnd.negotiate();
            assertEquals(1, frontEnd.ask(MessageType.SET_VRING_NUM, FrontEnd.state(0, 3)));
            assertEquals(0, frontEnd.ask(MessageType.SET_VRING_NUM, FrontEnd.state(0, 4)));
        }
    }

    @Test
    void hangsUpOnGarbageAndServesTheNext() {
        long seed = System.nanoTime();
        System.out.println("VhostUserServerTest seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 50; i++) {
            byte[] garbage = new byte[4096];
            random.nextBytes(garbage);
            garbage[4] = 2;
            try (FrontEnd frontEnd = new FrontEnd(path)) {
                frontEnd.raw(garbage, events(3));
                assertTrue(frontEnd.awaitEnd());
            }
        }
        servesNormally();
    }

    @Test
    @Tag("vhost-user/descriptors")
    void closesDescriptorsOfMessagesThatNeverBecameWhole() throws IOException, InterruptedException {
        for (int i = 0; i < 20; i++) {
            try (FrontEnd frontEnd = new FrontEnd(path)) {
                frontEnd.raw(new byte[] {5, 0, 0, 0, 1}, events(8));
                frontEnd.raw(new byte[] {0, 0, 0, 40, 0, 0, 0, 1, 0}, events(8));
            }
            expect("disconnected");
        }
        servesNormally();
    }

    @Test
    @Tag("vhost-user/descriptors")
    void hangsUpOnMoreDescriptorsThanOneMessageMayCarry() {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            boolean over = false;
            byte[] message = FrontEnd.message(MessageType.SET_OWNER.id(), 1, new byte[64]);
            for (int i = 0; i < message.length && !over; i++) {
                try {
                    frontEnd.raw(new byte[] {message[i]}, events(100));
                } catch (PosixException e) {
                    over = true;
                }
            }
            assertTrue(over || frontEnd.awaitEnd());
        }
        servesNormally();
    }

    @Test
    void hangsUpOnAFrontEndThatNeverReadsReplies() throws InterruptedException {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            boolean over = false;
            for (int i = 0; i < 100_000 && !over; i++) {
                try {
                    frontEnd.send(MessageType.GET_FEATURES, NOTHING);
                } catch (PosixException e) {
                    over = true;
                }
            }
            assertTrue(over);
        }
        expect("disconnected");
        servesNormally();
    }

    /** Whether poll calls such a socket readable, and for how long, differs between kernels. */
    @Test
    void waitsForNothingWhenAFrontEndSendsAByteOutOfBand() throws Exception {
        String client = "import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                + "s.send(b'x', socket.MSG_OOB)\nprint('sent', flush=True)\nsys.stdin.read()\n";
        Process process = new ProcessBuilder("/usr/bin/python3", "-c", client, path.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        try {
            assertEquals("sent", process.inputReader().readLine());
            server.configChanged(); // one more turn
            server.stop();
            assertTrue(server.awaitStopped(Duration.ofSeconds(30)), "it waits in a receive");
        } finally {
            process.getOutputStream().close();
            assertEquals(0, process.waitFor());
        }
    }

    @Test
    void endsOnlyTheClientWhoseDeviceFailed() throws InterruptedException {
        device.failing = true;
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            frontEnd.send(MessageType.GET_FEATURES, NOTHING);
            assertTrue(frontEnd.awaitEnd());
        }
        expect("disconnected");
        device.failing = false;
        servesNormally();
    }

    /** Its memory was cut, say, by a front-end that hung up before the next one connected. */
    @Test
    void leavesTheNextClientAloneWhenTheDeviceOfOneThatHasGoneFailed() throws InterruptedException {
        CountDownLatch nextIsThere = new CountDownLatch(1);
        device.atFeatures = () -> awaitUninterruptibly(nextIsThere);
        device.atEnd = server::deviceFailed;
        try (FrontEnd gone = new FrontEnd(path)) {
            gone.send(MessageType.SET_FEATURES, FrontEnd.u64(1L << 32));
            expect("features");
        }
        try (FrontEnd next = new FrontEnd(path)) {
            nextIsThere.countDown();
            for (int i = 0; i < 3; i++) {
                assertEquals(1L << 32 | 1L << 30 | 1L << 26, next.ask(MessageType.GET_FEATURES, NOTHING));
            }
        }
    }

    private static void awaitUninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void stopsVringsBeforeItHangsUpWhenClosed() throws InterruptedException {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            frontEnd.negotiate();
            frontEnd.startVring();
            server.close();
            for (String event : new String[] {"features", "memory", "start 0", "stop 0", "disconnected"}) expect(event);
            assertTrue(frontEnd.awaitEnd());
        }
    }

    @Test
    @Tag("vhost-user-BACKEND_REQ")
    void tellsOfAChangedConfigurationAndWaitsForNoAnswer() {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            frontEnd.negotiate();
            server.configChanged();
            try (FrontEnd channel = frontEnd.channel(directory)) {
                assertArrayEquals(FrontEnd.message(2, 9, NOTHING), channel.receive(12), "also what changed before");
                for (int i = 0; i < 100; i++) server.configChanged();
                assertEquals(2, frontEnd.ask(MessageType.GET_QUEUE_NUM, NOTHING), "nobody waits for the answer");
                channel.raw(FrontEnd.message(2, 5, FrontEnd.u64(0)), events(2));
                assertArrayEquals(FrontEnd.message(2, 9, NOTHING), channel.receive(12));
                channel.raw(FrontEnd.message(2, 5, FrontEnd.u64(1)));
                server.configChanged();
                assertArrayEquals(FrontEnd.message(2, 9, NOTHING), channel.receive(12), "a refusal changes nothing");
            }
            assertEquals(2, frontEnd.ask(MessageType.GET_QUEUE_NUM, NOTHING), "the channel's end is not the connection's");
            server.configChanged();
            assertEquals(2, frontEnd.ask(MessageType.GET_QUEUE_NUM, NOTHING));
        }
        server.configChanged();
        servesNormally();
    }

    @Test
    @Tag("vhost-user-BACKEND_REQ")
    @Tag("vhost-user/BACKEND_REQ")
    void losesOnlyTheChannelThatAFrontEndBreaks() {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            frontEnd.negotiate();
            try (FrontEnd channel = frontEnd.channel(directory)) {
                channel.raw(new byte[40], events(4));
                assertTrue(channel.awaitEnd());
            }
            try (FrontEnd channel = frontEnd.channel(directory)) {
                server.configChanged();
                assertEquals(2, channel.receive(12)[0]);
            }
            assertEquals(2, frontEnd.ask(MessageType.GET_QUEUE_NUM, NOTHING));
        }
    }

    @Test
    @Tag("vhost-user-INBAND_NOTIFICATIONS")
    @Tag("vhost-user/INBAND_NOTIFICATIONS")
    void sendsCallsAsMessagesOneUnansweredAtATime() throws InterruptedException {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            frontEnd.negotiate();
            try (FrontEnd channel = frontEnd.channel(directory)) {
                frontEnd.startInbandVring();
                for (int i = 0; i < 1000; i++) device.started.call().signal();
                assertArrayEquals(FrontEnd.message(4, 9, FrontEnd.state(0, 0)), channel.receive(20));
                device.started.err().signal();
                assertEquals(0, frontEnd.ask(MessageType.VRING_KICK, FrontEnd.state(0, 0)), "kicks go on");
                channel.raw(FrontEnd.message(4, 5, FrontEnd.u64(0)));
                byte[] next = channel.receive(20);
                // The thousand signals may have been two events to the server.
                if (next[0] == 4) {
                    channel.raw(FrontEnd.message(4, 5, FrontEnd.u64(0)));
                    next = channel.receive(20);
                }
                assertArrayEquals(FrontEnd.message(5, 9, FrontEnd.state(0, 0)), next);
            }
        }
        for (String event : new String[] {"features", "memory", "start 0", "stop 0", "disconnected"}) expect(event);
    }

    @Test
    void connectsToAFrontEndWheneverItListens() throws Exception {
        Path theirs = directory.resolve("front-end.sock");
        FakeDevice connecting = new FakeDevice();
        VhostUserServer dialling = VhostUserServer.dialling("vdb", theirs, connecting,
                new RateLimitedLog(LoggerFactory.getLogger(VhostUserServer.class), "vdb", Map.of()));
        dialling.start();
        try {
            for (int i = 0; i < 3; i++) {
                try (UnixSocket frontEnd = UnixSocket.listen(theirs, 1);
                        FrontEnd accepted = new FrontEnd(frontEnd.accept())) {
                    accepted.negotiate();
                    accepted.startVring();
                    assertTrue(dialling.clientConnected());
                }
                Files.delete(theirs);
                for (String event : new String[] {"features", "memory", "start 0", "stop 0", "disconnected"})
                    assertEquals(event, connecting.events.poll(20, TimeUnit.SECONDS));
            }
        } finally {
            dialling.close();
        }
        assertTrue(dialling.awaitStopped(Duration.ZERO));
    }

    private void servesNormally() {
        try (FrontEnd frontEnd = new FrontEnd(path)) {
            assertEquals(1L << 32 | 1L << 30 | 1L << 26, frontEnd.ask(MessageType.GET_FEATURES, NOTHING));
        }
    }

    private void expect(String event) throws InterruptedException {
        assertEquals(event, device.events.poll(20, TimeUnit.SECONDS));
    }

    private static Fd[] events(int count) {
        return Stream.generate(() -> EventFd.create().fd()).limit(count).toArray(Fd[]::new);
    }

    /** Eventfds, sockets, epolls and our memory files; descriptors of jars and the like come and go. */
    private static long openDescriptors() throws IOException {
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
            return links.filter(VhostUserServerTest::isOfInterest).count();
        }
    }

    private static boolean isOfInterest(Path link) {
        try {
            String target = Files.readSymbolicLink(link).toString();
            return target.startsWith("anon_inode:") || target.startsWith("socket:") || target.contains(FrontEnd.MEMORY_NAME);
        } catch (IOException e) {
            return false;
        }
    }
}
