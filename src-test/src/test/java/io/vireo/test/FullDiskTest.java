package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.RequestMix;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A sparse image on a file system that really fills up under it, beside a disk that has nothing to do with that. */
@Timeout(180)
final class FullDiskTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final long IMAGE_BYTES = 16L << 20;
    private static final String DISK = "device=\"vda\"";
    private static final RequestMix WRITES_AND_READS = new RequestMix(1, 3, 0, 0, 0, 0);

    @TempDir
    Path folder;

    private Path small;
    private Path control;
    private Path conf;
    private int metricsPort;

    @BeforeEach
    void mount() throws IOException {
        assumeFalse(Boolean.getBoolean("vireo.without-root"), "--without-root");
        assertEquals(0, Files.getAttribute(Path.of("/proc/self"), "unix:uid"),
                "mounting a file system needs root; --without-root leaves this out");
        System.out.println("FullDiskTest -Dvireo.seed=" + SEED);
        small = Files.createDirectory(folder.resolve("small"));
        run("mount", "-t", "tmpfs", "-o", "size=4m", "vireo-test", small.toString());
        control = folder.resolve("control.sock");
        metricsPort = Scrape.freePort();
        try (var file = new RandomAccessFile(small.resolve("disk.img").toFile(), "rw")) {
            file.setLength(IMAGE_BYTES);
        }
    }

    @AfterEach
    void unmount() {
        if (small != null) run("umount", "-l", small.toString());
    }

    private VireoDaemon serve(String aio, String policy) throws IOException {
        conf = Files.writeString(folder.resolve("vm.conf"), """
                vireo {
                  iothreads.io0 {}
                  drives {
                    small { driver = file, filename = small/disk.img, aio = %s }
                    other { driver = ram, size = 1M }
                  }
                  devices {
                    vda { drive = small, iothread = io0, transport.path = vda.sock%s }
                    vdb { drive = other, iothread = io0, transport.path = vdb.sock }
                  }
                  control.path = control.sock
                  metrics.port = %d
                }
                """.formatted(aio, policy, metricsPort));
        return VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "vda", "vdb");
    }

    @ParameterizedTest
    @ValueSource(strings = {"io_uring", "threads"})
    void stopsTheDiskUntilThereIsRoomAndLosesNothing(String aio) throws Exception {
        assumeFalse(aio.equals("io_uring") && Boolean.getBoolean("vireo.without-uring"), "--without-uring");
        try (VireoDaemon daemon = serve(aio, "");
                SocketChannel events = SocketChannel.open(UnixDomainSocketAddress.of(control));
                DriverMemory memory = DriverMemory.create(32L << 20);
                VhostUserDisk disk = VhostUserDisk.attach(folder.resolve("vda.sock"), memory, VhostUserDisk.Options.defaults())) {
            BufferedReader heard = new BufferedReader(Channels.newReader(events, StandardCharsets.US_ASCII));
            events.write(StandardCharsets.US_ASCII.encode("{\"execute\":\"qmp_capabilities\"}"));
            assertTrue(heard.readLine().startsWith("{\"QMP\":"));
            assertEquals("{\"return\":{}}", heard.readLine());
            VerifyingLoad load = new VerifyingLoad(disk.transport(), LoadOptions.of(SEED).withDepth(16)
                    .withDataBytesMax(64 << 10).withWindowSectors((int) (IMAGE_BYTES / 512)).withRequestsMax(2_000)
                    .withMix(WRITES_AND_READS).withStallNanos(Vireo.PATIENCE.toNanos()));
            CompletableFuture<LoadResult> result =
                    CompletableFuture.supplyAsync(load::run, work -> Thread.ofPlatform().daemon().start(work));
            awaitState(daemon, "io-error");
            String event = heard.readLine();
            assertTrue(event.startsWith("{\"event\":\"BLOCK_IO_ERROR\",\"data\":{\"device\":\"vda\",\"node-name\":\"small\","
                    + "\"operation\":\"write\",\"action\":\"stop\",\"nospace\":true,\"reason\":\""), event);
            long answered = daemon.scrape().requests("vda", "write");
            assertServesOn("vdb.sock");
            Vireo.Result status = Vireo.run("status", "vda", "--control", control.toString());
            assertTrue(status.stdout().startsWith("device vda: io-error, client of pid "), status.stdout() + status.stderr());
            Vireo.Result drain = Vireo.run("drain", "vda", "--config", conf.toString());
            assertEquals(1, drain.exit(), drain.stderr());
            assertTrue(drain.stderr().contains("resume first"), drain.stderr());
            assertEquals(answered, daemon.scrape().requests("vda", "write"), "it was not stopped");

            // Resumed too early it stops again; with room it goes on.
            assertEquals(0, Vireo.run("resume", "vda", "--control", control.toString()).exit());
            awaitState(daemon, "io-error");
            run("mount", "-o", "remount,size=64m", small.toString());
            assertEquals(0, Vireo.run("resume", "vda", "--control", control.toString()).exit());
            LoadResult loaded = result.get(Vireo.PATIENCE.toSeconds(), TimeUnit.SECONDS);
            assertTrue(loaded.clean(), loaded::toString);
            assertTrue(loaded.verifiedSectors() > 0, loaded::toString);
            assertTrue(!daemon.scrape().has("vireo_device_request_errors_total", DISK), "the guest was told of an error");
            List<String> stops = daemon.err().stream().filter(line -> line.contains("stopped: a write")).toList();
            assertTrue(stops.size() >= 2 && stops.getFirst().contains("ENOSPC"), stops::toString);
            assertEquals(0, Vireo.run("drain", "vda", "--control", control.toString()).exit());
            assertEquals(0, daemon.terminate(Duration.ofSeconds(20)), daemon.failure("end")::getMessage);
        }
    }

    /** What failed was never answered, so it is in flight; the daemon that finds it so tries it again, and stops again. */
    @Test
    @Tag("vhost-user-INFLIGHT/failed")
    void staysStoppedWhenTheDaemonIsKilledAndLosesNothing() throws Exception {
        try (DriverMemory memory = DriverMemory.create(32L << 20)) {
            VireoDaemon daemon = serve("auto", "");
            try (VhostUserDisk disk = VhostUserDisk.attach(
                    folder.resolve("vda.sock"), memory, VhostUserDisk.Options.defaults().withInflight())) {
                VerifyingLoad load = new VerifyingLoad(disk.transport(), LoadOptions.of(SEED).withDepth(16)
                        .withDataBytesMax(64 << 10).withWindowSectors((int) (IMAGE_BYTES / 512)).withRequestsMax(2_000)
                        .withMix(WRITES_AND_READS).withStallNanos(Vireo.PATIENCE.toNanos()));
                for (int kill = 0; kill < 2; kill++) {
                    CompletableFuture<LoadResult> running =
                            CompletableFuture.supplyAsync(load::run, work -> Thread.ofPlatform().daemon().start(work));
                    awaitState(daemon, "io-error");
                    daemon.close();
                    load.leave();
                    LoadResult left = running.get(Vireo.PATIENCE.toSeconds(), TimeUnit.SECONDS);
                    assertTrue(left.clean(), left::toString);
                    daemon = serve("auto", "");
                    disk.reattach(folder.resolve("vda.sock"));
                }
                VireoDaemon last = daemon;
                Await.until("it says what it goes on with",
                        () -> last.err().stream().anyMatch(line -> line.contains("resubmitted")));
                awaitState(daemon, "io-error");
                run("mount", "-o", "remount,size=64m", small.toString());
                assertEquals(0, Vireo.run("resume", "vda", "--control", control.toString()).exit());
                LoadResult loaded = load.run();
                assertTrue(loaded.clean(), loaded::toString);
                assertTrue(loaded.verifiedSectors() > 0, loaded::toString);
                assertTrue(!daemon.scrape().has("vireo_device_request_errors_total", DISK), "the guest was told of an error");
                assertEquals(0, daemon.terminate(Duration.ofSeconds(20)), daemon.failure("end")::getMessage);
            } finally {
                daemon.close();
            }
        }
    }

    @Test
    void reportsToTheGuestWhenToldTo() throws Exception {
        try (VireoDaemon daemon = serve("auto", ", werror = report"); AttachedDisk disk = AttachedDisk.at(folder.resolve("vda.sock"))) {
            LoadResult result = disk.run(LoadOptions.of(SEED).withRequestsMax(6_000).withWindowSectors((int) (IMAGE_BYTES / 512)).withMix(WRITES_AND_READS));
            assertTrue(daemon.scrape().value("vireo_device_request_errors_total", DISK, "reason=\"ENOSPC\"") > 0, result::toString);
            assertTrue(daemon.scrape().has("vireo_device_state", DISK, "state=\"running\""));
        }
    }

    @Test
    void letsTheDaemonAndTheNextClientGoWhenItIsStopped() throws Exception {
        try (VireoDaemon daemon = serve("auto", "")) {
            fill(daemon).close();
            awaitState(daemon, "waiting");
            AttachedDisk disk = fill(daemon);
            assertEquals(0, daemon.terminate(Duration.ofSeconds(20)), daemon.failure("end")::getMessage);
            String lastWords = daemon.err().getLast();
            assertTrue(lastWords.matches(".*WARN.*ended by SIGTERM: [1-9][0-9]* of the requests in flight failed.*"), lastWords);
            disk.close();
        }
    }

    /** Writes until the disk has stopped. */
    private AttachedDisk fill(VireoDaemon daemon) {
        AttachedDisk disk = AttachedDisk.at(folder.resolve("vda.sock"));
        var queue = disk.requests(32);
        long sector = 0;
        while (!isInState(daemon, "io-error")) {
            for (int slot = 0; slot < 32; slot++, sector += 8) {
                queue.start(slot, 1, sector % (IMAGE_BYTES / 512), 4096, false);
            }
            queue.submit();
            Await.until("all are answered, or it has stopped", () -> queue.pendingUsed() == 32 || isInState(daemon, "io-error"));
            while (queue.pendingUsed() > 0) queue.reap();
        }
        return disk;
    }

    private void assertServesOn(String socket) {
        try (AttachedDisk disk = AttachedDisk.at(folder.resolve(socket))) {
            LoadResult result = disk.run(LoadOptions.of(SEED).withRequestsMax(5_000));
            assertTrue(result.clean(), result::toString);
        }
    }

    private static boolean isInState(VireoDaemon daemon, String state) {
        return daemon.scrape().has("vireo_device_state", DISK, "state=\"" + state + "\"");
    }

    private static void awaitState(VireoDaemon daemon, String state) {
        Await.until("the device is " + state, () -> isInState(daemon, state));
    }

    private static void run(String... command) {
        try (Child child = Child.start(command[0], new ProcessBuilder(command))) {
            assertEquals(0, child.awaitExit(Vireo.PATIENCE), child.failure(String.join(" ", command))::getMessage);
        }
    }
}
