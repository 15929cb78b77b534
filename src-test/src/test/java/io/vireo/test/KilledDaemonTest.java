package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Errno;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixException;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The daemon is killed at random moments of a verified load, started again, and finds what was in flight in the memory
 * that the front-end has kept: every request is answered once, and every sector is right. {@code -Dvireo.soak} kills more often.
 */
final class KilledDaemonTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int SOAK = Integer.getInteger("vireo.soak", 1);
    /** Of each kind of ring. */
    private static final int KILLS = SOAK == 1 ? 4 : 10 * SOAK;
    private static final long IMAGE_BYTES = 64L << 20;
    private static final int QUEUE_SIZE = 256;
    /** Of /proc/net/unix: __SO_ACCEPTCON. */
    private static final String LISTENS = "00010000";

    @TempDir
    Path folder;

    private final Random random = new Random(SEED);

    @ParameterizedTest(name = "packed={0} in_order={1} cache.direct={2} queues={3}")
    @CsvSource({"off, off, on, 2", "on, off, on, 1", "on, on, off, 2"})
    @Tag("vhost-user-INFLIGHT/kill")
    void losesNothingAndDoesNothingTwice(String packed, String inOrder, String direct, int queues) throws Exception {
        System.out.println("KilledDaemonTest -Dvireo.seed=" + SEED);
        long features = (packed.equals("on") ? VirtqueueLayout.F_RING_PACKED : 0)
                | (inOrder.equals("on") ? VirtqueueLayout.F_IN_ORDER : 0);
        Path image = folder.resolve("disk.img");
        try (var file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(IMAGE_BYTES);
        }
        Path socket = folder.resolve("vda.sock");
        int port = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.disk { driver = file, filename = "%s", cache.direct = %s }
                  devices.vda {
                    drive = disk, num-queues = %d, queue-size = %d, packed = %s, in_order = %s, transport.path = "%s"
                  }
                  metrics.port = %d
                }
                """.formatted(image, direct, queues, QUEUE_SIZE, packed, inOrder, socket, port));
        VhostUserDisk.Options options = VhostUserDisk.Options.defaults().withQueues(queues, QUEUE_SIZE)
                .withFeatures(features).withInflight();
        VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda");
        long resubmits = 0;
        try (DriverMemory memory = DriverMemory.create(64L << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, options)) {
            assertEquals(features, disk.features() & features, "what this is about was not offered");
            VerifyingLoad load = new VerifyingLoad(disk.transport(), LoadOptions.of(SEED).withDepth(48)
                    .withDataBytesMax(32 << 10).withStallNanos(Vireo.PATIENCE.toNanos()));
            for (int kill = 0; kill < KILLS; kill++) {
                CompletableFuture<LoadResult> running = run(load);
                awaitRequests(load, running, 1 + random.nextInt(3_000));
                resubmits += resubmits(daemon);
                daemon.close();
                load.leave();
                judge(running, kill);
                daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda");
                disk.reattach(socket);
            }
            CompletableFuture<LoadResult> running = run(load);
            awaitRequests(load, running, 1_000);
            resubmits += resubmits(daemon);
            load.stop();
            LoadResult last = judge(running, KILLS);
            assertNotEquals(0, last.verifiedSectors());
            assertEquals(0, daemon.terminate(Duration.ofSeconds(20)), daemon.failure("end")::getMessage);
        } finally {
            daemon.close();
        }
        assertNotEquals(0, resubmits, "no kill found a request in flight");
    }

    /** Or it would wait for an answer of the dead, when the next daemon is about to bind the same path. */
    @Test
    void whomItHungUpOnFindsThatNobodyListens() throws Exception {
        List<String> names = List.of("vda", "vdb", "vdc", "vdd");
        StringBuilder devices = new StringBuilder();
        for (String name : names) {
            devices.append("""
                    drives.%1$s { driver = null-co }
                    devices.%1$s { drive = %1$s, transport.path = %1$s.sock }
                    """.formatted(name));
        }
        int port = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  %s
                  metrics.port = %d
                }
                """.formatted(devices, port));
        for (int kill = 0; kill < KILLS; kill++) {
            List<CompletableFuture<Integer>> comingBack = new ArrayList<>();
            try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, names.toArray(String[]::new))) {
                for (String name : names) comingBack.add(comesBack(folder.resolve(name + ".sock")));
                Await.until("all are served", () -> {
                    Scrape scrape = daemon.scrape();
                    return names.stream().allMatch(name -> scrape.value("vireo_client_connected", "device=\"" + name + "\"") == 1);
                });
                // Whoever is quicker than this test still meets them: the files of a dead process end from the highest number down.
                assertTrue(Collections.min(sockets(daemon, true)) > Collections.max(sockets(daemon, false)));
            }
            for (CompletableFuture<Integer> errno : comingBack) {
                assertEquals(Errno.ECONNREFUSED, errno.get(Vireo.PATIENCE.toSeconds(), TimeUnit.SECONDS));
            }
        }
    }

    /** The daemon's descriptors of sockets in this folder: of those that listen, or of those that were accepted. */
    private List<Integer> sockets(VireoDaemon daemon, boolean listening) throws IOException {
        // Num, RefCount, Protocol, Flags, Type, St, Inode, Path
        Set<String> wanted = Files.readAllLines(Path.of("/proc/net/unix")).stream().map(line -> line.strip().split("\\s+"))
                .filter(fields -> fields.length == 8 && fields[7].startsWith(folder.toString()))
                .filter(fields -> fields[3].equals(LISTENS) == listening)
                .map(fields -> "socket:[" + fields[6] + "]").collect(Collectors.toSet());
        List<Integer> numbers = new ArrayList<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc", Long.toString(daemon.pid()), "fd"))) {
            for (Path descriptor : descriptors) {
                try {
                    if (!wanted.contains(Files.readSymbolicLink(descriptor).toString())) continue;
                    numbers.add(Integer.valueOf(descriptor.getFileName().toString()));
                } catch (NoSuchFileException _) {
                    // Closed meanwhile: the scrape's, for one. Of those that are wanted none may be missing.
                }
            }
        }
        assertEquals(wanted.size(), numbers.size());
        return numbers;
    }

    /** Connects, waits to be hung up on, and connects again at once; answers its errno, 0 if somebody listens. */
    private static CompletableFuture<Integer> comesBack(Path path) {
        UnixSocket connected = UnixSocket.connect(path);
        return CompletableFuture.supplyAsync(() -> {
            try (connected; NativeBlock message = NativeBlock.allocate(1, 1)) {
                assertEquals(0, connected.receive(message.address(), 1, new ArrayList<>()));
            }
            try {
                UnixSocket.connect(path).close();
                return 0;
            } catch (PosixException e) {
                return e.errno();
            }
        }, work -> Thread.ofPlatform().daemon().start(work));
    }

    private static long resubmits(VireoDaemon daemon) {
        return daemon.err().stream().filter(line -> line.contains("resubmitted")).count();
    }

    private static CompletableFuture<LoadResult> run(VerifyingLoad load) {
        return CompletableFuture.supplyAsync(load::run, work -> Thread.ofPlatform().daemon().start(work));
    }

    /** Not a time: however slow it is here, the load is well under way. */
    private static void awaitRequests(VerifyingLoad load, CompletableFuture<LoadResult> running, long count) {
        Await.more(count, load::completedRequests, running::isDone);
    }

    private static LoadResult judge(CompletableFuture<LoadResult> running, int kill) throws Exception {
        LoadResult result = running.get(Vireo.PATIENCE.toSeconds() * 2, TimeUnit.SECONDS);
        assertTrue(result.clean(), () -> "seed " + SEED + ", after kill " + kill + ": " + result);
        return result;
    }
}
