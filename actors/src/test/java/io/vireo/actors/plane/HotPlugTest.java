package io.vireo.actors.plane;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.vireo.actors.vhostuser.SocketInUseException;
import io.vireo.config.ConfigException;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.config.VireoConfig;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Devices, drives and IOThreads that come and go while a neighbour's disk is written, read and verified. */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HotPlugTest {
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final int CYCLES = Integer.getInteger("vireo.soak", 1) > 1 ? 1000 : 30;
    /** The first cycles load classes and make what is kept for good. */
    private static final int WARM_UP = 5;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("hot-plug-test");
    private final VireoMetrics metrics = new VireoMetrics("test");
    private DataPlane plane;

    @BeforeEach
    void serve() throws IOException {
        Files.write(folder.resolve("image"), new byte[1 << 20]);
        plane = DataPlane.start(system, ConfigLoader.of(ConfigFactory.parseString("""
                iothreads.shared {}
                drives.calm { driver = ram, size = 1M }
                devices.calm { drive = calm, num-queues = 1, iothread = shared, transport.path = "%s" }
                shutdown-timeout = 500ms
                """.formatted(socket("calm"))), Cpus.online()), metrics, true);
    }

    @AfterEach
    void end() {
        plane.close();
        system.terminate();
    }

    private Path socket(String device) {
        return folder.resolve(device + ".sock");
    }

    private static UnaryOperator<VireoConfig> addition(String hocon) {
        return running -> ConfigLoader.addition(hocon, running, Cpus.online());
    }

    /** A disk on the image and an IOThread of its own, and one on the neighbour's IOThread. */
    private String two() {
        return """
                iothreads.own {}
                drives { file { driver = raw, file { driver = file, filename = "%s" } }, nothing { driver = null-co, size = 1M } }
                devices {
                  one { drive = file, iothread-vq-mapping = [ { iothread = own }, { iothread = shared } ], num-queues = 2,
                    transport.path = "%s" }
                  two { drive = nothing, transport.path = "%s" }
                }
                """.formatted(folder.resolve("image"), socket("one"), socket("two"));
    }

    @Test
    void everythingIsBackAfterEachCycleAndTheNeighbourNeverNotices() throws Exception {
        System.out.println("HotPlugTest -Dvireo.seed=" + SEED + " cycles=" + CYCLES);
        AtomicBoolean over = new AtomicBoolean();
        try (DriverMemory memory = DriverMemory.create(16 << 20);
                VhostUserDisk calm = VhostUserDisk.attach(socket("calm"), memory, VhostUserDisk.Options.defaults())) {
            CompletableFuture<Long> verified = CompletableFuture.supplyAsync(() -> {
                VerifyingLoad load = new VerifyingLoad(calm.transport(), LoadOptions.of(SEED).withRequestsMax(2000));
                long sectors = 0;
                while (!over.get()) sectors += verified(load.run());
                return sectors;
            });
            Map<String, Long> before = null;
            try {
                for (int cycle = 0; cycle < CYCLES + WARM_UP; cycle++) {
                    if (cycle == WARM_UP) before = held();
                    plane.add(addition(two()));
                    assertEquals(List.of("calm", "one", "two"), plane.devices().stream().map(DeviceHost::name).sorted().toList());
                    use("one", 2, cycle);
                    removeWhileConnected("two");
                    plane.remove("one", cycle % 2 == 0);
                    // By force it does not wait: on a slow host its driver may still be leaving.
                    await("its drive given back", () -> !plane.config().drives().containsKey("file"));
                    plane.removeIoThread("own");
                    assertFalse(Files.exists(socket("one")));
                    if (verified.isDone()) throw new AssertionError("the neighbour's load has ended: " + verified.get());
                }
            } finally {
                over.set(true);
            }
            assertTrue(verified.get(60, TimeUnit.SECONDS) > 0);
            Map<String, Long> expected = before;
            await("descriptors, mappings and threads to be back: before " + before + ", now " + held(), () -> isNoMore(held(), expected));
            assertEquals(List.of("calm"), metrics.devices().stream().map(device -> device.name()).toList());
            assertEquals(List.of("calm"), List.copyOf(plane.config().devices().keySet()));
            assertEquals(List.of("calm"), List.copyOf(plane.config().drives().keySet()));
            assertEquals(List.of("shared"), List.copyOf(plane.config().iothreads().keySet()));
        }
    }

    private static long verified(LoadResult result) {
        assertTrue(result.clean(), () -> "seed " + SEED + ": " + result);
        return result.verifiedSectors();
    }

    private void use(String device, int queues, int cycle) {
        try (DriverMemory memory = DriverMemory.create(16 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(
                        socket(device), memory, VhostUserDisk.Options.defaults().withQueues(queues, 64))) {
            verified(new VerifyingLoad(disk.transport(), LoadOptions.of(SEED + cycle).withRequestsMax(200)).run());
        }
    }

    private void removeWhileConnected(String device) {
        try (DriverMemory memory = DriverMemory.create(4 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket(device), memory, VhostUserDisk.Options.defaults())) {
            assertEquals(BlkLayout.S_OK, write(memory, disk));
            plane.remove(device, false);
            assertTrue(disk.frontend().isClosedByBackend());
        }
    }

    private static int write(DriverMemory memory, VhostUserDisk disk) {
        BlkQueue queue = new BlkQueue(memory, disk.transport().queues().getFirst(), 1, 4096);
        queue.start(0, BlkLayout.T_OUT, 0, 512, false);
        queue.submit();
        await("a used element", () -> queue.pendingUsed() > 0);
        queue.reap();
        return queue.status(0);
    }

    @Test
    void nothingIsThereAfterARefusal() {
        plane.add(addition(two())); // the default pool's thread stays
        plane.remove("one", false);
        plane.remove("two", false);
        plane.removeIoThread("own");
        Map<String, Long> before = held();
        String third = "drives.third.driver = null-co\ndevices.zoo { drive = third, transport.path = \"%s\" }\n";
        assertRefused(ConfigException.class, two() + third.formatted(socket("calm")));
        assertRefused(DriveException.class, two() + "drives.zoo { driver = file, filename = \"" + folder.resolve("none") + "\" }");
        assertRefused(TransportException.class, two() + third.formatted(folder.resolve("image")));
        try (UnixSocket _ = UnixSocket.listen(socket("zoo"), 1)) {
            assertRefused(SocketInUseException.class, two() + third.formatted(socket("zoo")));
        }
        await("all of it gone: before " + before + ", now " + held(), () -> isNoMore(held(), before));
        plane.add(addition(two()));
        use("one", 2, 0);
    }

    private void assertRefused(Class<? extends RuntimeException> why, String hocon) {
        assertThrows(why, () -> plane.add(addition(hocon)));
        assertEquals(List.of("calm"), plane.devices().stream().map(DeviceHost::name).toList());
        assertEquals(List.of("calm"), List.copyOf(plane.config().devices().keySet()));
        assertEquals(List.of("calm"), List.copyOf(plane.config().drives().keySet()));
        assertEquals(List.of("shared"), List.copyOf(plane.config().iothreads().keySet()));
        assertFalse(Files.exists(socket("one")), "a socket is left");
    }

    @Test
    void aDeviceWithRequestsInFlightStaysUnlessItIsForced() {
        plane.add(addition("""
                iothreads.own {}
                drives.slow { driver = null-co, size = 1M, latency = 4s }
                devices.slow { drive = slow, iothread = own, transport.path = "%s" }
                """.formatted(socket("slow"))));
        long mappings = mappings();
        try (DriverMemory memory = DriverMemory.create(4 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket("slow"), memory, VhostUserDisk.Options.defaults())) {
            BlkQueue queue = new BlkQueue(memory, disk.transport().queues().getFirst(), 1, 4096);
            DeviceHost host = plane.devices().stream().filter(device -> device.name().equals("slow")).findFirst().orElseThrow();
            begin(queue, host);
            String why = assertThrows(IllegalStateException.class, () -> plane.remove("slow", false)).getMessage();
            assertTrue(why.startsWith("requests are still in flight"), why);
            assertEquals("device slow has it", assertThrows(IllegalStateException.class, () -> plane.removeIoThread("own")).getMessage());
            await("the request answered", () -> queue.pendingUsed() > 0);
            queue.reap();
            assertEquals(BlkLayout.S_OK, queue.status(0), "it goes on after the refusal");

            begin(queue, host);
            long start = System.nanoTime();
            plane.remove("slow", true);
            assertTrue(System.nanoTime() - start < TimeUnit.SECONDS.toNanos(3), "it waited");
            assertTrue(disk.frontend().isClosedByBackend());
            assertFalse(Files.exists(socket("slow")));
            assertEquals("device slow has it",
                    assertThrows(IllegalStateException.class, () -> plane.removeIoThread("own")).getMessage(), "its request is there");
            assertNotNull(plane.config().drives().get("slow"), "and its drive");
            await("the drive given back", () -> plane.config().drives().get("slow") == null);
            plane.removeIoThread("own");
            assertNull(plane.config().iothreads().get("own"));
        }
        await("the guest's memory given back", () -> mappings() <= mappings);
    }

    private static void begin(BlkQueue queue, DeviceHost host) {
        queue.start(0, BlkLayout.T_OUT, 0, 512, false);
        queue.submit();
        await("it to be in flight", () -> host.status().inflightRequests() == 1);
    }

    @Test
    void aSharedDriveStaysAsLongAsItHasADevice() {
        String device = "devices.%s { drive = d, read-only = on, transport.path = \"%s\" }\n";
        plane.add(addition("drives.d { driver = ram, size = 1M }\n" + device.formatted("vda", socket("vda"))));
        plane.add(addition(device.formatted("vdb", socket("vdb"))));
        plane.remove("vda", false);
        assertServes("vdb");
        plane.remove("vdb", false);
        assertNull(plane.config().drives().get("d"));
        assertThrows(IllegalArgumentException.class, () -> plane.remove("vdb", false));
        plane.add(addition("drives.d { driver = ram, size = 1M }\n" + device.formatted("vda", socket("vda"))));
    }

    private void assertServes(String device) {
        try (DriverMemory memory = DriverMemory.create(4 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(socket(device), memory, VhostUserDisk.Options.defaults())) {
            assertEquals(BlkLayout.S_IOERR, write(memory, disk), "read-only, and served");
        }
    }

    private static void await(String what, BooleanSupplier condition) {
        long giveUp = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - giveUp > 0) throw new AssertionError("in vain: " + what);
            Thread.yield();
        }
    }

    private static boolean isNoMore(Map<String, Long> now, Map<String, Long> before) {
        return now.entrySet().stream().allMatch(held -> held.getValue() <= before.getOrDefault(held.getKey(), 0L));
    }

    /** What this process holds, by kind. Threads that do what blocks, and Akka's, stay for the next one. */
    private static Map<String, Long> held() {
        Map<String, Long> held = new TreeMap<>();
        try (var links = Files.list(Path.of("/proc/self/fd"))) {
            links.forEach(link -> {
                try {
                    String target = Files.readSymbolicLink(link).toString();
                    String kind = target.startsWith("/memfd:") ? "memfd" : target.startsWith("/tmp/") ? "file"
                            : target.startsWith("socket:") ? "socket" : target.startsWith("anon_inode:") ? target : "other";
                    if (!kind.equals("other")) held.merge(kind, 1L, Long::sum);
                } catch (IOException e) {
                    // closed meanwhile
                }
            });
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        held.put("mapping", mappings());
        held.put("thread", Thread.getAllStackTraces().keySet().stream().map(Thread::getName)
                .filter(List.of("own", "shared", "default0", "one", "two", "zoo", "slow", "calm")::contains).count());
        return held;
    }

    private static long mappings() {
        try {
            return Files.readAllLines(Path.of("/proc/self/maps")).stream()
                    .filter(line -> line.contains("memfd") || line.contains("io_uring") || line.contains("[aio]")).count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
