package io.vireo.actors.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.monitoring.qmp.JsonStream;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.posix.UnixSocket;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MonitorServerTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("monitor-test");
    private final CountDownLatch release = new CountDownLatch(1);
    private Path path;
    private UnixSocket listening;
    private MonitorServer server;

    @BeforeEach
    void serve() {
        path = folder.resolve("qmp.sock");
        listening = UnixSocket.listen(path, 16);
        server = MonitorServer.start(system, listening, new CommandTable("1.2.3", List.of(
                MonitorCommand.of("echo", arguments -> arguments.string("text"), text -> text),
                MonitorCommand.of("refuse", _ -> null, _ -> {
                    throw new QmpException("no");
                }),
                MonitorCommand.of("break", _ -> null, _ -> {
                    throw new IllegalStateException("injected");
                }),
                MonitorCommand.of("long", _ -> null, _ -> "x".repeat(100_000)),
                MonitorCommand.of("wait", _ -> null, _ -> {
                    try {
                        release.await();
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    return null;
                }))));
    }

    @AfterEach
    void end() {
        release.countDown();
        server.close();
        listening.close();
        system.terminate();
    }

    @Test
    void greetsNegotiatesAndObeys() {
        try (MonitorClient client = new MonitorClient(path)) {
            assertEquals("{\"QMP\":{\"version\":{\"qemu\":{\"major\":1,\"minor\":2,\"micro\":3},\"package\":\"vireo-1.2.3\"},"
                    + "\"capabilities\":[]}}", client.greeting);
            assertEquals("{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"Expecting capabilities negotiation with "
                    + "'qmp_capabilities'\"}}", client.ask("{\"execute\":\"query-version\"}"));
            assertEquals("{\"return\":{},\"id\":1}", client.ask("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]},\"id\":1}"));
            assertTrue(client.ask(MonitorClient.NEGOTIATE).contains("already complete"));
            assertEquals("{\"return\":\"\\u20AC\",\"id\":\"a\"}",
                    client.ask("{\"execute\":\"echo\",\"arguments\":{\"text\":\"\u20ac\"},\"id\":\"a\"}"));
            assertEquals("{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command nothing has not been found\"}}",
                    client.ask("{\"execute\":\"nothing\"}"));
            assertEquals("{\"error\":{\"class\":\"GenericError\",\"desc\":\"Parameter 'x' is unexpected\"}}",
                    client.ask("{\"execute\":\"echo\",\"arguments\":{\"text\":\"\",\"x\":1}}"));
            assertEquals("{\"error\":{\"class\":\"GenericError\",\"desc\":\"no\"}}", client.ask("{\"execute\":\"refuse\"}"));
            assertTrue(client.ask("{\"execute\":\"break\"}").contains("injected"));
            assertTrue(client.ask("{\"execute\":\"query-commands\"}").contains("{\"name\":\"echo\"}"));
        }
    }

    @Test
    void answersManyRequestsOfOnePieceInTheirOrder() {
        try (MonitorClient client = MonitorClient.negotiated(path)) {
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < 1000; i++) all.append("{\"execute\":\"query-version\",\"id\":").append(i).append('}');
            client.say(all.toString());
            for (int i = 0; i < 1000; i++) assertTrue(client.hear().endsWith("\"id\":" + i + "}"));
        }
    }

    @Test
    void aCommandThatWaitsHoldsUpNobodyElse() {
        try (MonitorClient waiting = MonitorClient.negotiated(path); MonitorClient other = MonitorClient.negotiated(path)) {
            waiting.say("{\"execute\":\"wait\"}");
            assertEquals("{\"return\":\"x\"}", other.ask("{\"execute\":\"echo\",\"arguments\":{\"text\":\"x\"}}"));
            release.countDown();
            assertEquals("{\"return\":{}}", waiting.hear());
        }
    }

    @Test
    void tellsEventsToThoseWhoHaveNegotiated() {
        try (MonitorClient before = new MonitorClient(path); MonitorClient after = MonitorClient.negotiated(path)) {
            server.emit("STOPPED", Map.of("device", "vda"));
            assertTrue(after.hear().matches("\\{\"event\":\"STOPPED\",\"data\":\\{\"device\":\"vda\"},"
                    + "\"timestamp\":\\{\"seconds\":[0-9]+,\"microseconds\":[0-9]+}}"));
            assertEquals("{\"return\":{}}", before.ask(MonitorClient.NEGOTIATE), "an event came before the negotiation");
        }
    }

    @Test
    void hangsUpOnAClientThatDoesNotRead() {
        try (MonitorClient client = MonitorClient.negotiated(path); MonitorClient other = MonitorClient.negotiated(path)) {
            assertThrows(UncheckedIOException.class, () -> {
                while (true) client.say("{\"execute\":\"long\"}");
            });
            assertEquals("{\"return\":\"x\"}", other.ask("{\"execute\":\"echo\",\"arguments\":{\"text\":\"x\"}}"));
        }
    }

    @Test
    void hangsUpOnAnObjectWithoutEnd() {
        try (MonitorClient client = MonitorClient.negotiated(path)) {
            try {
                client.say("{\"execute\":[" + "1,".repeat(JsonStream.OBJECT_BYTES_MAX));
            } catch (UncheckedIOException e) {
                // hung up before it had said everything
            }
            String last = null;
            for (String line; (line = client.hear()) != null; ) last = line;
            assertTrue(last == null || last.contains("bytes in one object"), last);
        }
        assertServes();
    }

    @Test
    void refusesMoreClientsThanItServesAndTakesThemAgainLater() {
        List<MonitorClient> clients = new ArrayList<>();
        for (int i = 0; i < MonitorServer.CLIENTS_MAX; i++) clients.add(MonitorClient.negotiated(path));
        try (MonitorClient refused = new MonitorClient(path)) {
            assertNull(refused.greeting);
        }
        clients.forEach(MonitorClient::close);
        assertServes();
    }

    @Test
    void servesOnWhateverBytesCame() {
        System.out.println("MonitorServerTest -Dvireo.seed=" + SEED);
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            try (MonitorClient client = new MonitorClient(path)) {
                byte[] noise = new byte[random.nextInt(6000)];
                random.nextBytes(noise);
                client.say(noise);
            }
        }
        assertServes();
    }

    @Test
    void hangsUpWhenItEnds() {
        MonitorClient client = MonitorClient.negotiated(path);
        server.close();
        assertNull(client.hear());
        client.close();
    }

    /** A client that left is noticed a moment later. */
    private void assertServes() {
        for (int attempt = 0; attempt < 10_000; attempt++) {
            try (MonitorClient client = new MonitorClient(path)) {
                if (client.greeting == null) continue;
                assertEquals("{\"return\":{}}", client.ask(MonitorClient.NEGOTIATE));
                return;
            }
        }
        throw new AssertionError("it takes no client any more");
    }
}
