package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.UnixSocket;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A daemon is replaced by another one under a verified load, which keeps its connection and sees a pause; and either of the
 * two is killed while they are at it. {@code -Dvireo.soak} takes over, and kills, more often.
 */
@Timeout(1800)
final class TakeoverTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int SOAK = Integer.getInteger("vireo.soak", 1);
    /** Of each kind of ring; in a soak 50. */
    private static final int TAKEOVERS = SOAK == 1 ? 2 : 50;
    private static final int KILLS = SOAK == 1 ? 2 : 50;
    private static final long IMAGE_BYTES = 64L << 20;
    private static final int QUEUE_SIZE = 256;
    private static final Duration SOON = Vireo.PATIENCE;

    @TempDir
    Path folder;

    private final Random random = new Random(SEED);
    private Path socket;
    private int port;

    @BeforeEach
    void makeImage() throws IOException {
        System.out.println("TakeoverTest -Dvireo.seed=" + SEED);
        try (var file = new RandomAccessFile(folder.resolve("disk.img").toFile(), "rw")) {
            file.setLength(IMAGE_BYTES);
        }
        socket = folder.resolve("vda.sock");
        port = Scrape.freePort();
    }

    /** Line 2 has the drive and line 3 the device. */
    private Path configure(String name, String drive, String device) throws IOException {
        return Files.writeString(folder.resolve(name), """
                vireo {
                  drives.disk { %s }
                  devices.vda { drive = disk, %s, transport.path = vda.sock }
                  metrics.port = %d
                  control.path = control.sock
                }
                """.formatted(drive, device, port));
    }

    private VireoDaemon serve(Path conf) {
        return VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda");
    }

    /** A load and the thread that drives it, which has ended before its memory goes. */
    private static final class Driver implements AutoCloseable {
        private final VerifyingLoad load;
        private CompletableFuture<LoadResult> running;

        Driver(VhostUserDisk disk) {
            load = new VerifyingLoad(disk.transport(), LoadOptions.of(SEED).withDepth(48)
                    .withDataBytesMax(32 << 10).withStallNanos(Vireo.PATIENCE.toNanos()));
            begin();
        }

        void begin() {
            running = CompletableFuture.supplyAsync(load::run, work -> Thread.ofPlatform().daemon().start(work));
        }

        long completed() {
            return load.completedRequests();
        }

        /** So many more. */
        void await(long count) {
            Await.more(count, this::completed, running::isDone);
            assertFalse(running.isDone(), () -> "the load has ended: " + running.join());
        }

        void leave() {
            load.leave();
            judge();
        }

        LoadResult stop() {
            load.stop();
            return judge();
        }

        private LoadResult judge() {
            LoadResult result = running.join();
            assertTrue(result.clean(), () -> "seed " + SEED + ": " + result);
            return result;
        }

        @Override
        public void close() {
            load.leave();
            running.join();
        }
    }

    @ParameterizedTest(name = "packed={0} in_order={1} cache.direct={2} queues={3} inflight={4}")
    @CsvSource({"off, off, on, 2, yes", "on, off, off, 1, no", "on, on, on, 2, yes"})
    void aLoadIsTakenOverAgainAndAgain(String packed, String inOrder, String direct, int queues, String inflight)
            throws Exception {
        long features = (packed.equals("on") ? VirtqueueLayout.F_RING_PACKED : 0)
                | (inOrder.equals("on") ? VirtqueueLayout.F_IN_ORDER : 0);
        Path conf = configure("vm.conf", "driver = file, filename = disk.img, cache.direct = " + direct,
                "num-queues = %d, queue-size = %d, packed = %s, in_order = %s".formatted(queues, QUEUE_SIZE, packed, inOrder));
        VhostUserDisk.Options options = VhostUserDisk.Options.defaults().withQueues(queues, QUEUE_SIZE).withFeatures(features);
        if (inflight.equals("yes")) options = options.withInflight();
        VireoDaemon daemon = serve(conf);
        double longest = 0;
        try (DriverMemory memory = DriverMemory.create(64L << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, options);
                Driver driver = new Driver(disk)) {
            assertEquals(features, disk.features() & features, "what this is about was not offered");
            for (int i = 0; i < TAKEOVERS; i++) {
                driver.await(1 + random.nextInt(2_000));
                try (VireoDaemon before = daemon) {
                    daemon = VireoDaemon.takeOver(conf, port);
                    daemon.awaitReady("vda");
                    assertEquals(0, before.awaitExit(SOON), before.failure("did not leave")::getMessage);
                }
                double pause = daemon.scrape().value("vireo_takeover_pause_seconds");
                assertTrue(pause > 0 && pause < SOON.toSeconds(), "a pause of " + pause + " s");
                longest = Math.max(longest, pause);
            }
            driver.await(1_000);
            assertTrue(daemon.scrape().value("vireo_client_connected", "device=\"vda\"") == 1);
            assertNotEquals(0, driver.stop().verifiedSectors());
            assertEquals(0, daemon.terminate(SOON), daemon.failure("end")::getMessage);
            assertFalse(Files.exists(socket), "its last owner leaves a socket behind");
        } finally {
            daemon.close();
        }
        System.out.printf("TakeoverTest: %d takeovers, packed=%s, the longest pause was %.0f ms%n", TAKEOVERS, packed, longest * 1e3);
    }

    @ParameterizedTest(name = "packed={0}")
    @CsvSource({"off", "on"})
    void whoeverIsKilledOneOwnerIsLeftAndNothingIsLost(String packed) throws Exception {
        Path conf = configure("vm.conf", "driver = file, filename = disk.img, cache.direct = on",
                "num-queues = 2, queue-size = %d, packed = %s".formatted(QUEUE_SIZE, packed));
        VhostUserDisk.Options options = VhostUserDisk.Options.defaults().withQueues(2, QUEUE_SIZE).withInflight()
                .withFeatures(packed.equals("on") ? VirtqueueLayout.F_RING_PACKED : 0);
        VireoDaemon daemon = serve(conf);
        try (DriverMemory memory = DriverMemory.create(64L << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, options);
                Driver driver = new Driver(disk)) {
            driver.await(1_000);
            // One that nobody disturbs, to know how long they take: all of that is to be hit, and its last part most.
            VireoDaemon first = daemon;
            daemon = VireoDaemon.takeOver(conf, port);
            long takesNanos = takeoverNanos(first, daemon);
            assertEquals(0, first.awaitExit(SOON), first.failure("did not leave")::getMessage);
            first.close();
            for (int kill = 0; kill < KILLS; kill++) {
                driver.await(1 + random.nextInt(1_000));
                boolean killsOld = random.nextBoolean();
                long delayNanos = (long) (1.2 * takesNanos * Math.sqrt(random.nextDouble()));
                VireoDaemon old = daemon;
                long asked = asked(old);
                VireoDaemon next = VireoDaemon.takeOver(conf, port);
                Await.until("it is asked", () -> asked(old) > asked || !next.isAlive());
                long due = System.nanoTime() + delayNanos;
                Await.until("it is time", () -> System.nanoTime() - due >= 0);
                daemon = killsOld ? next : old;
                (killsOld ? old : next).close();
                boolean connectionLost;
                String end;
                if (killsOld) {
                    next.awaitReady("vda");
                    Await.until("it says how it came to that",
                            () -> said(next, "starting without it") || said(next, "took over from"));
                    connectionLost = said(next, "starting without it");
                    end = connectionLost ? "started anew" : "taken over";
                } else {
                    long completed = driver.completed();
                    Await.until("somebody serves, or nobody can", () -> !old.isAlive() || driver.completed() > completed + 500);
                    connectionLost = !old.isAlive();
                    if (connectionLost) {
                        // It had taken over already, and was the owner that was killed.
                        assertEquals(0, old.awaitExit(SOON), old.failure("ended")::getMessage);
                        daemon = serve(conf);
                    }
                    end = connectionLost ? "taken over and died" : "taken back";
                }
                System.out.printf("TakeoverTest: %s killed after %d ms: %s%n",
                        killsOld ? "old" : "new", TimeUnit.NANOSECONDS.toMillis(delayNanos), end);
                assertNotEquals(old.isAlive(), next.isAlive() || daemon != old && daemon != next, "there is one owner");
                if (!connectionLost) continue;
                driver.leave();
                disk.reattach(socket);
                driver.begin();
            }
            driver.await(1_000);
            assertNotEquals(0, driver.stop().verifiedSectors());
            assertEquals(0, daemon.terminate(SOON), daemon.failure("end")::getMessage);
        } finally {
            daemon.close();
        }
    }

    /** The daemon has connected, and does so again when it has to: neither does it here, nor does its disk notice. */
    @Test
    void aFrontEndThatListensKeepsItsConnection() throws Exception {
        Path conf = Files.writeString(folder.resolve("vm.conf"), """
                vireo {
                  drives.disk { driver = file, filename = disk.img, cache.direct = on }
                  devices.vda { drive = disk, transport { role = connect, path = vda.sock } }
                  metrics.port = %d
                  control.path = control.sock
                }
                """.formatted(port));
        try (UnixSocket listening = UnixSocket.listen(socket, 1); VireoDaemon first = serve(conf)) {
            try (DriverMemory memory = DriverMemory.create(64L << 20);
                    VhostUserDisk disk = VhostUserDisk.attach(listening.accept(), memory, VhostUserDisk.Options.defaults());
                    Driver driver = new Driver(disk)) {
                driver.await(1_000);
                try (VireoDaemon next = VireoDaemon.takeOver(conf, port)) {
                    next.awaitReady("vda");
                    assertEquals(0, first.awaitExit(SOON), first.failure("did not leave")::getMessage);
                    driver.await(1_000);
                    assertNotEquals(0, driver.stop().verifiedSectors());
                    assertEquals(0, next.terminate(SOON), next.failure("end")::getMessage);
                }
            }
        }
    }

    /** Nobody has written it into the configuration that the first one began with. */
    @Test
    void aDeviceThatWasAddedIsTakenOverWithTheOthers() throws Exception {
        Path conf = configure("vm.conf", "driver = file, filename = disk.img", "num-queues = 1");
        Files.copy(folder.resolve("disk.img"), folder.resolve("more.img"));
        String more = """
                vireo {
                  drives.more { driver = file, filename = "%s", cache.direct = on }
                  devices.vdb { drive = more, transport.path = "%s" }
                }
                """.formatted(folder.resolve("more.img"), folder.resolve("vdb.sock"));
        try (VireoDaemon first = serve(conf)) {
            Path addition = Files.writeString(folder.resolve("more.conf"), more);
            Vireo.Result added = Vireo.run("device-add", addition.toString(), "--config", conf.toString());
            assertEquals(0, added.exit(), added.stderr());
            try (DriverMemory memory = DriverMemory.create(64L << 20);
                    VhostUserDisk disk =
                            VhostUserDisk.attach(folder.resolve("vdb.sock"), memory, VhostUserDisk.Options.defaults());
                    Driver driver = new Driver(disk)) {
                driver.await(1_000);
                Vireo.Result without = Vireo.run("serve", "--takeover", conf.toString());
                assertEquals(2, without.exit(), without.stderr());
                assertTrue(without.stderr().contains("device vdb runs and is not here"), without.stderr());
                driver.await(1_000);
                Path both = Files.writeString(folder.resolve("both.conf"), Files.readString(conf) + more);
                try (VireoDaemon next = VireoDaemon.takeOver(both, port)) {
                    next.awaitReady("vda", "vdb");
                    assertEquals(0, first.awaitExit(SOON), first.failure("did not leave")::getMessage);
                    driver.await(1_000);
                    assertNotEquals(0, driver.stop().verifiedSectors());
                    assertEquals(0, next.terminate(SOON), next.failure("end")::getMessage);
                }
            }
        }
    }

    /** A configuration's drive and device, and of which of its lines what is said. */
    private record Misfit(String drive, String device, int line, String words) {}

    private static final List<Misfit> MISFITS = List.of(
            new Misfit("driver = file, filename = disk.img, read-only = on", "num-queues = 2", 2, "read-only = off"),
            new Misfit("driver = file, filename = disk.img, cache.direct = on", "num-queues = 2", 2, "cache.direct = off"),
            new Misfit("driver = file, filename = other.img", "num-queues = 2", 2, "another file"),
            new Misfit("driver = null-co, size = 64M", "num-queues = 2", 2, "driver = file"),
            new Misfit("driver = raw, offset = 512, file { driver = file, filename = disk.img }", "num-queues = 2", 2, "begins at 0"),
            new Misfit("driver = file, filename = disk.img", "num-queues = 1", 3, "num-queues = 2"),
            new Misfit("driver = file, filename = disk.img", "num-queues = 2, queue-size = 64", 3, "tells its driver"),
            new Misfit("driver = file, filename = disk.img", "num-queues = 2, event_idx = off", 3, "0x20000000"));

    @Test
    void whatDoesNotFitIsRefusedAndTheOldOneGoesOn() throws Exception {
        Files.copy(folder.resolve("disk.img"), folder.resolve("other.img"));
        Path conf = configure("vm.conf", "driver = file, filename = disk.img", "num-queues = 2");
        try (VireoDaemon daemon = serve(conf); AttachedDisk disk = AttachedDisk.at(socket)) {
            for (Misfit misfit : MISFITS) {
                Path different = configure("different.conf", misfit.drive(), misfit.device());
                Vireo.Result refused = Vireo.run("serve", "--takeover", different.toString());
                assertEquals(2, refused.exit(), () -> misfit + ": " + refused.stderr());
                assertTrue(refused.stderr().contains(different + ":" + misfit.line()), () -> misfit + ": " + refused.stderr());
                assertTrue(refused.stderr().contains(misfit.words()), () -> misfit + ": " + refused.stderr());
                assertTrue(disk.run(LoadOptions.of(SEED).withRequestsMax(1_000)).clean(), misfit::toString);
                assertEquals(1, daemon.scrape().value("vireo_client_connected", "device=\"vda\""));
            }
            assertEquals(0, daemon.terminate(SOON), daemon.failure("end")::getMessage);
        }
    }

    @Test
    void aSetOfDevicesThatDiffersIsRefused() throws Exception {
        Path conf = configure("vm.conf", "driver = file, filename = disk.img", "num-queues = 1");
        try (VireoDaemon daemon = serve(conf)) {
            Path other = Files.writeString(folder.resolve("other.conf"),
                    Files.readString(conf).replace("devices.vda", "devices.vdb"));
            Vireo.Result refused = Vireo.run("serve", "--takeover", other.toString());
            assertEquals(2, refused.exit(), refused.stderr());
            assertTrue(refused.stderr().contains("device vda runs and is not here"), refused.stderr());
            assertTrue(refused.stderr().contains("vireo.devices.vdb: does not run"), refused.stderr());
            assertEquals(0, daemon.terminate(SOON), daemon.failure("end")::getMessage);
        }
    }

    @Test
    void aDiskInTheDaemonsMemoryKeepsIt() throws Exception {
        Path conf = configure("vm.conf", "driver = ram, size = 1M", "num-queues = 1");
        try (VireoDaemon daemon = serve(conf)) {
            Vireo.Result refused = Vireo.run("serve", "--takeover", conf.toString());
            assertEquals(1, refused.exit(), refused.stderr());
            assertTrue(refused.stderr().contains("disk: driver ram has its contents in the memory of this process"), refused.stderr());
            assertEquals(0, daemon.terminate(SOON), daemon.failure("end")::getMessage);
        }
    }

    @Test
    void aDaemonThatDiesBeforeItAnswersIsReplaced() throws Exception {
        Path conf = configure("vm.conf", "driver = file, filename = disk.img", "num-queues = 1");
        UnixSocket dying = UnixSocket.listen(folder.resolve("control.sock"), 1);
        try (VireoDaemon next = VireoDaemon.takeOver(conf, port)) {
            dying.accept().close();
            dying.close();
            next.awaitReady("vda");
            assertTrue(said(next, "starting without it"), next.failure("says nothing of it")::getMessage);
            assertEquals(0, next.terminate(SOON), next.failure("end")::getMessage);
        }
    }

    @Test
    void withoutADaemonThereIsNothingToTakeOver() throws Exception {
        Path conf = configure("vm.conf", "driver = file, filename = disk.img", "num-queues = 1");
        Vireo.Result nobody = Vireo.run("serve", "--takeover", conf.toString());
        assertEquals(1, nobody.exit(), nobody.stderr());
        assertTrue(nobody.stderr().contains("control.sock"), nobody.stderr());
        assertFalse(Files.exists(socket), "something was made all the same");
    }

    /** Its monitor is there until the last request is answered; whoever asks then is not to keep it from its end. */
    @Test
    void aDaemonThatWasToldToEndIsNotTakenOver() throws Exception {
        Path conf = configure("vm.conf", "driver = null-co, size = 1M, latency = 8s", "num-queues = 1");
        try (VireoDaemon daemon = serve(conf); AttachedDisk disk = AttachedDisk.at(socket)) {
            BlkQueue queue = disk.requests(1);
            queue.start(0, BlkLayout.T_OUT, 0, 512, false);
            queue.submit();
            Await.until("it is in flight", () -> daemon.scrape().value("vireo_device_inflight_requests", "device=\"vda\"") == 1);
            ProcessHandle.of(daemon.pid()).orElseThrow().destroy();
            Await.until("it stops", () -> said(daemon, "stopping"));
            Vireo.Result refused = Vireo.run("serve", "--takeover", conf.toString());
            assertEquals(1, refused.exit(), refused.stderr());
            assertTrue(refused.stderr().contains("told to end"), refused.stderr());
            assertEquals(0, daemon.awaitExit(SOON), daemon.failure("did not end")::getMessage);
        }
    }

    /** How often it was, also in vain. */
    private static long asked(VireoDaemon daemon) {
        return daemon.err().stream().filter(line -> line.contains("wants to take over")).count();
    }

    /** From the moment at which the old one is asked. */
    private static long takeoverNanos(VireoDaemon old, VireoDaemon next) {
        Await.until("it is asked", () -> asked(old) > 0);
        long asked = System.nanoTime();
        Await.until("it took over", () -> said(next, "took over from"));
        return System.nanoTime() - asked;
    }

    private static boolean said(VireoDaemon daemon, String words) {
        return daemon.err().stream().anyMatch(line -> line.contains(words));
    }
}
