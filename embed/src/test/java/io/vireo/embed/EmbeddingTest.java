package io.vireo.embed;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.ErrorPolicyConfig;
import io.vireo.config.IoThreadConfig;
import io.vireo.config.RingFeature;
import io.vireo.config.VirtqueueConfig;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.RequestMix;
import io.vireo.virtio.driver.VerifyingLoad;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class EmbeddingTest {
    private static final long SEED = 20260101;
    private static final int IMAGE_BYTES = 8 << 20;

    @TempDir
    private Path folder;

    private Path image;

    @BeforeEach
    void makeImage() throws Exception {
        image = folder.resolve("disk.img");
        Files.write(image, new byte[IMAGE_BYTES]);
    }

    private VirtioBlkDevice open(Vireo vireo, String name) {
        return vireo.open(DriveConfig.FileDrive.of("drive-" + name, image), DeviceConfig.of(name, "drive-" + name));
    }

    private static VirtioBlkDevice openNull(Vireo vireo, String name) {
        return vireo.open(DriveConfig.NullDrive.of("null", 1 << 20), DeviceConfig.of(name, "null"));
    }

    private static void assertClean(LoadResult result) {
        assertTrue(result.clean(), () -> "seed " + SEED + ": " + result.failure() + " " + result.complaints() + " " + result.errors());
        assertNotEquals(0, result.verifiedSectors());
    }

    @Test
    void servesAnImageToADriver() {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = open(vireo, "vda"); TestVmm vmm = TestVmm.on(device)) {
            assertEquals(IMAGE_BYTES / 512, device.capacitySectors());
            assertClean(vmm.run(SEED, 3000));
        }
    }

    @Test
    void servesSeveralQueuesOfAConfiguredDeviceOnItsIoThreads() {
        String hocon = """
                iothreads { a {}, b {} }
                drives.root { driver = file, filename = "%s" }
                devices.vda { drive = root, iothread-vq-mapping = [ { iothread = a }, { iothread = b } ] }
                """.formatted(image);
        try (Vireo vireo = Vireo.of(ConfigFactory.parseString(hocon)); VirtioBlkDevice device = vireo.open("vda", 4);
                TestVmm vmm = TestVmm.on(device)) {
            assertEquals(4, device.queues().size());
            assertEquals(List.of("a", "b"), device.host().status().ioThreads());
            assertClean(vmm.run(SEED, 3000));
        }
    }

    @Test
    void aConfiguredNumberOfQueuesComesBeforeTheDefaultOne() {
        String hocon = "drives { a { driver = ram, size = 1M }, b { driver = ram, size = 1M } }\n"
                + "devices { one { drive = a, num-queues = 3 }, two { drive = b } }";
        try (Vireo vireo = Vireo.of(ConfigFactory.parseString(hocon))) {
            assertEquals(List.of("one", "two"), vireo.configuredDevices());
            try (VirtioBlkDevice device = vireo.open("one", 2)) {
                assertEquals(3, device.queues().size());
            }
            try (VirtioBlkDevice device = vireo.open("two", 2)) {
                assertEquals(2, device.queues().size());
            }
        }
    }

    @Test
    void opensAnImageWithoutAConfigurationAndCountsWhatItsDriverDoes() {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = vireo.open("vda", image, 2); TestVmm vmm = TestVmm.on(device)) {
            assertEquals(2, device.queues().size());
            assertEquals(IMAGE_BYTES, device.capacitySectors() * 512);
            LoadResult result = vmm.run(SEED, 1000);
            assertClean(result);
            assertTrue(device.requests() >= 1000, () -> device.requests() + " requests");
            assertTrue(device.queues().stream().mapToLong(Virtqueue::kicks).sum() > 0, "no kicks");
            assertTrue(device.queues().stream().mapToLong(Virtqueue::calls).sum() > 0, "no calls");
        }
    }

    @Test
    void saysWhatAnOperatorCanMendWithItsPlace() throws IOException {
        VireoException wrong = assertThrows(VireoException.class,
                () -> Vireo.of(ConfigFactory.parseString("devices.vda { drive = none }")));
        assertEquals(VireoException.Kind.CONFIGURATION, wrong.kind());
        assertTrue(wrong.getMessage().contains("devices.vda.drive"), wrong::getMessage);
        Path file = Files.writeString(image.resolveSibling("wrong.conf"), "vireo {\n  drives.d { driver = ram, sise = 1M }\n}\n");
        VireoException inFile = assertThrows(VireoException.class, () -> Vireo.builder().config(file));
        assertEquals(VireoException.Kind.CONFIGURATION, inFile.kind());
        assertTrue(inFile.getMessage().startsWith(file + ":2: "), inFile::getMessage);
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice first = vireo.open("first", image)) {
            VireoException inUse = assertThrows(VireoException.class, () -> vireo.open("second", image));
            assertEquals(VireoException.Kind.IMAGE_IN_USE, inUse.kind());
            Path missing = image.resolveSibling("missing");
            VireoException none = assertThrows(VireoException.class, () -> vireo.open("second", missing));
            assertEquals(VireoException.Kind.IMAGE, none.kind());
            assertTrue(none.getMessage().contains(missing.toString()), none::getMessage);
            assertEquals("first", first.name());
        }
    }

    @Test
    void ioThreadsComeAndGoWithTheDevicesThatNameThem() {
        DeviceConfig named = DeviceConfig.of("vda", "root").withIothread("more");
        try (Vireo vireo = Vireo.builder().start()) {
            for (int cycle = 0; cycle < 5; cycle++) {
                vireo.addIoThread(IoThreadConfig.of("more"));
                assertThrows(IllegalArgumentException.class, () -> vireo.addIoThread(IoThreadConfig.of("more")));
                try (VirtioBlkDevice device = vireo.open(DriveConfig.FileDrive.of("root", image), named);
                        TestVmm vmm = TestVmm.on(device)) {
                    assertThrows(IllegalStateException.class, () -> vireo.removeIoThread("more"));
                    assertClean(vmm.run(SEED, 500));
                }
                vireo.removeIoThread("more");
                assertThrows(IllegalArgumentException.class, () -> vireo.open(DriveConfig.FileDrive.of("root", image), named));
            }
            assertThrows(IllegalArgumentException.class, () -> vireo.removeIoThread("more"));
        }
    }

    @Test
    void aDeviceCanBeGivenUpAtOnceAndTheRestFollowsItsLastRequest() throws Exception {
        String hocon = "drives.slow { driver = null-co, size = 1M, latency = 3s }\ndevices.vda { drive = slow }";
        try (Vireo vireo = Vireo.of(ConfigFactory.parseString(hocon))) {
            VirtioBlkDevice device = vireo.open("vda");
            TestVmm vmm = TestVmm.on(device);
            VerifyingLoad load = vmm.load(TestVmm.options(SEED));
            CompletableFuture<LoadResult> run = CompletableFuture.supplyAsync(load::run);
            while (device.host().status().inflightRequests() == 0) Thread.onSpinWait();
            CompletableFuture<Void> gone = device.abandon();
            assertFalse(gone.isDone(), "it waited");
            assertTrue(device.abandon().isDone(), "a second time is nothing");
            assertThrows(IllegalStateException.class, device::reset);
            gone.get(60, TimeUnit.SECONDS);
            load.leave();
            run.get(60, TimeUnit.SECONDS);
            vmm.close();
        }
    }

    @Test
    void keepsReadsThatFailUntilItIsResumedAndTellsItsListener() throws Exception {
        ErrorPolicyConfig stop = new ErrorPolicyConfig(ErrorPolicyConfig.OnError.STOP, ErrorPolicyConfig.OnError.STOP);
        try (Vireo vireo = Vireo.builder().start();
                VirtioBlkDevice device =
                        vireo.open(DriveConfig.FileDrive.of("d", image), DeviceConfig.of("vda", "d").withErrors(stop));
                TestVmm vmm = TestVmm.on(device);
                RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            CompletableFuture<IoError> told = new CompletableFuture<>();
            device.onIoError(error -> {
                // One that was still on its way stops the device again.
                if (!told.complete(error)) device.resume();
            });
            file.setLength(0);
            VerifyingLoad reads = vmm.load(TestVmm.options(SEED).withRequestsMax(1000).withMix(new RequestMix(1, 0, 0, 0, 0, 0)));
            CompletableFuture<LoadResult> result = CompletableFuture.supplyAsync(reads::run);
            IoError error = told.get(60, TimeUnit.SECONDS);
            assertEquals("read", error.operation());
            assertTrue(error.stopped());
            assertTrue(device.isStoppedByError());
            assertEquals(0, reads.completedRequests());
            assertThrows(IllegalStateException.class, device::drain);
            file.setLength(IMAGE_BYTES);
            device.resume();
            LoadResult done = result.get(60, TimeUnit.SECONDS);
            assertTrue(done.clean(), done::toString);
            assertFalse(device.isStoppedByError());
        }
    }

    @Test
    void growsUnderALoadAndTellsOfItsNewSize() throws Exception {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = open(vireo, "vda"); TestVmm vmm = TestVmm.on(device)) {
            CountDownLatch changed = new CountDownLatch(1);
            device.onConfigChange(changed::countDown);
            int generation = device.configGeneration();
            CompletableFuture<LoadResult> result = CompletableFuture.supplyAsync(() -> vmm.run(SEED, 3000));
            device.resize(2L * IMAGE_BYTES, false);
            assertTrue(changed.await(60, TimeUnit.SECONDS));
            assertNotEquals(generation, device.configGeneration());
            assertEquals(2L * IMAGE_BYTES, device.capacitySectors() * 512);
            assertEquals(2L * IMAGE_BYTES, Files.size(image));
            assertClean(result.get(60, TimeUnit.SECONDS));
            assertClean(vmm.run(SEED + 1, 500)); // reads the new size, and ends at its end
            VireoException refused = assertThrows(VireoException.class, () -> device.resize(IMAGE_BYTES, false));
            assertEquals(VireoException.Kind.IMAGE, refused.kind());
            device.resize(IMAGE_BYTES, true);
            assertClean(vmm.run(SEED + 2, 500));
        }
    }

    @Test
    void takesNothingWhileItIsPaused() throws Exception {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = open(vireo, "vda"); TestVmm vmm = TestVmm.on(device)) {
            device.pause();
            VerifyingLoad load = vmm.load(TestVmm.options(SEED).withRequestsMax(500));
            CompletableFuture<LoadResult> result = CompletableFuture.supplyAsync(load::run);
            device.drain();
            assertEquals(0, load.completedRequests());
            assertEquals("paused", device.host().status().state());
            device.resume();
            assertClean(result.get(60, TimeUnit.SECONDS));
            device.drain();
        }
    }

    @Test
    @SuppressWarnings("try") // closed early, on purpose
    void keepsTwoInstancesOfOneJvmApart() {
        ActorSystem<Void> system = PrivateActorSystem.start("embedder");
        Path other = folder.resolve("other.img");
        try (Vireo one = Vireo.builder().actorSystem(system).start(); Vireo two = Vireo.builder().start()) {
            Files.write(other, new byte[IMAGE_BYTES]);
            try (VirtioBlkDevice first = open(one, "vda");
                    VirtioBlkDevice second =
                            two.open(DriveConfig.FileDrive.of("drive-vda", other), DeviceConfig.of("vda", "drive-vda"));
                    TestVmm firstVmm = TestVmm.on(first);
                    TestVmm secondVmm = TestVmm.on(second)) {
                CompletableFuture<LoadResult> running = CompletableFuture.supplyAsync(() -> firstVmm.run(SEED, 2000));
                assertClean(secondVmm.run(SEED + 1, 2000));
                assertClean(running.join());
                one.close();
                assertClean(secondVmm.run(SEED + 2, 500));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            assertFalse(system.whenTerminated().isCompleted(), "the embedder's ActorSystem was ended");
            system.terminate();
        }
    }

    @Test
    void goesOverToOtherMemoryWhileRequestsAreInFlight() {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = open(vireo, "vda"); TestVmm vmm = TestVmm.on(device)) {
            VerifyingLoad load = vmm.load(TestVmm.options(SEED));
            CompletableFuture<LoadResult> running = CompletableFuture.supplyAsync(load::run);
            for (int i = 0; i < 100; i++) {
                long before = load.completedRequests();
                device.setMemory(vmm.ram());
                while (load.completedRequests() < before + 10 && !running.isDone()) Thread.onSpinWait();
            }
            load.stop();
            assertClean(running.join());
            device.reset();
            assertEquals(1, mappings("vireo-driver"), "all but the driver's own mapping are gone");
        }
    }

    @Test
    @Tag("virtio-1.3-2.6.1.2.1/re-enable")
    void resumesAQueueWhereItWasDisabled() {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = open(vireo, "vda"); TestVmm vmm = TestVmm.on(device)) {
            assertClean(vmm.run(SEED, 500));
            int nextAvail = device.queue(0).disable();
            assertNotEquals(0, nextAvail);
            assertFalse(device.queue(0).isEnabled());
            device.queue(0).enable(vmm.setup(0), nextAvail);
            assertClean(vmm.run(SEED, 500));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Tag("virtio-1.3-2.6.1")
    @Tag("virtio-1.3-2.6.1.1.1/reset")
    @Tag("virtio-1.3-2.6.1.2.1/re-enable")
    void servesOnAfterAQueueWasReset(boolean packed) {
        DeviceConfig vda = DeviceConfig.of("vda", "drive-vda").withQueues(
                VirtqueueConfig.DEFAULT.with(RingFeature.PACKED, packed).with(RingFeature.QUEUE_RESET, true));
        try (Vireo vireo = Vireo.builder().start();
                VirtioBlkDevice device = vireo.open(DriveConfig.FileDrive.of("drive-vda", image), vda);
                TestVmm vmm = TestVmm.on(device)) {
            long reset = 1L << 40;
            assertEquals(reset | (packed ? 1L << 34 : 0), device.offeredFeatures() & (reset | 1L << 34));
            assertClean(vmm.run(SEED, 500));
            device.queue(0).disable();
            vmm.resetQueue(0);
            device.queue(0).enable(vmm.setup(0));
            assertClean(vmm.run(SEED, 500));
        }
    }

    @Test
    void resumesAPackedQueueWhereItWasDisabled() {
        DeviceConfig vda = DeviceConfig.of("vda", "drive-vda")
                .withQueues(VirtqueueConfig.DEFAULT.with(RingFeature.PACKED, true));
        try (Vireo vireo = Vireo.builder().start();
                VirtioBlkDevice device = vireo.open(DriveConfig.FileDrive.of("drive-vda", image), vda);
                TestVmm vmm = TestVmm.on(device)) {
            assertClean(vmm.run(SEED, 501));
            int base = device.queue(0).disable();
            assertEquals(base >>> 16, base & 0xFFFF, "nothing is in flight");
            assertThrows(IllegalArgumentException.class, () -> device.queue(0).enable(vmm.setup(0), base | 0x7FFF));
            device.queue(0).enable(vmm.setup(0), base);
            assertClean(vmm.run(SEED, 500));
        }
    }

    @Test
    @Tag("virtio-1.3-2.1.2/needs-reset")
    void asksForAResetWhenGuestMemoryIsGoneAndWorksAfterIt() throws Exception {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = open(vireo, "vda")) {
            CountDownLatch told = new CountDownLatch(2);
            device.onFailure(told::countDown);
            device.onConfigChange(told::countDown);
            try (TestVmm vmm = TestVmm.on(device)) {
                device.writeStatus(VirtioBlkDevice.STATUS_FEATURES_OK | VirtioBlkDevice.STATUS_DRIVER_OK);
                PosixFile.truncate(vmm.memory.regions().getFirst().fd(), 0);
                vmm.kick();
                assertTrue(told.await(30, TimeUnit.SECONDS), "nobody was told");
                assertEquals(VirtioBlkDevice.STATUS_FEATURES_OK | VirtioBlkDevice.STATUS_DRIVER_OK
                        | VirtioBlkDevice.STATUS_DEVICE_NEEDS_RESET, device.status());
                assertThrows(IllegalStateException.class, () -> device.setMemory(vmm.ram()));
                device.writeStatus(0);
                assertEquals(0, device.status());
            }
            try (TestVmm vmm = TestVmm.on(device)) {
                assertClean(vmm.run(SEED, 500));
                device.reset();
            }
        }
    }

    @Test
    @SuppressWarnings("try") // closed early, on purpose
    void showsItsNumbersInTheGivenRegistryUntilClosed() {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        try (Vireo vireo = Vireo.builder().meterRegistry(registry).iothread(IoThreadConfig.of("io")).start();
                VirtioBlkDevice device = vireo.open(DriveConfig.FileDrive.of("root", image),
                        DeviceConfig.of("vda", "root").withIothread("io"));
                TestVmm vmm = TestVmm.on(device)) {
            assertClean(vmm.run(SEED, 500));
            String scrape = registry.scrape();
            assertTrue(scrape.contains("device=\"vda\""), scrape);
            assertTrue(scrape.contains("iothread=\"io\""), scrape);
            device.close();
            assertFalse(registry.scrape().contains("device=\"vda\""));
        }
        assertFalse(registry.scrape().contains("iothread=\"io\""));
    }

    @Test
    @SuppressWarnings("try") // closed early, on purpose
    void refusesMemoryThatOthersCannotUse() {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = openNull(vireo, "vda");
                Arena confined = Arena.ofConfined(); Arena shared = Arena.ofShared()) {
            Arena ended = Arena.ofShared();
            MemorySegment dead = ended.allocate(4096);
            ended.close();
            assertRefused(device, MemorySegment.ofArray(new byte[4096]), "heap");
            assertRefused(device, confined.allocate(4096), "confined");
            assertRefused(device, shared.allocate(4096).asReadOnly(), "read-only");
            assertThrows(IllegalStateException.class, () -> device.setMemory(GuestRam.ofSegment(dead, 0)));
            // A refused call lets go of what it had taken.
            MemorySegment good = shared.allocate(4096);
            assertThrows(IllegalArgumentException.class,
                    () -> device.setMemory(GuestRam.ofSegment(good, 0), GuestRam.ofSegment(good, 100)));
            device.setMemory(GuestRam.ofSegment(good, 0), GuestRam.ofSegment(Arena.ofAuto().allocate(4096), 1 << 20),
                    GuestRam.ofSegment(Arena.global().allocate(4096), 2 << 20));
            assertThrows(IllegalStateException.class, shared::close);
            device.reset();
        }
    }

    private static void assertRefused(VirtioBlkDevice device, MemorySegment segment, String word) {
        var refusal = assertThrows(
                IllegalArgumentException.class, () -> device.setMemory(GuestRam.ofSegment(segment, 0)));
        assertTrue(refusal.getMessage().contains(word), refusal.getMessage());
    }

    @Test
    @SuppressWarnings("try") // closed early, on purpose
    void refusesWhatTheTransportGotWrong() {
        try (Vireo vireo = Vireo.builder().start(); VirtioBlkDevice device = openNull(vireo, "vda");
                TestVmm vmm = new TestVmm(device, DriverMemory.create(1 << 20))) {
            Virtqueue queue = device.queue(0);
            assertThrows(IllegalStateException.class, () -> queue.enable(vmm.setup(0)), "no memory");
            device.setMemory(vmm.ram());
            QueueSetup right = vmm.setup(0);
            QueueSetup outside = new QueueSetup(64, 0, right.availRing(), right.usedRing(), right.kickFd(), right.callFd());
            assertTrue(assertThrows(IllegalArgumentException.class, () -> queue.enable(outside)).getMessage().contains("outside"));
            QueueSetup large = new QueueSetup(
                    1024, right.descriptorTable(), right.availRing(), right.usedRing(), right.kickFd(), right.callFd());
            assertThrows(IllegalArgumentException.class, () -> queue.enable(large));
            assertThrows(IllegalArgumentException.class, () -> device.acceptFeatures(1L << 63));
            assertThrows(IllegalArgumentException.class,
                    () -> device.setMemory(GuestRam.ofFd(right.kickFd(), 0, 4096, 0)), "an eventfd is not memory");
            queue.enable(right);
            assertThrows(IllegalStateException.class, () -> queue.enable(right), "twice");
            assertThrows(IllegalArgumentException.class, device::setMemory, "a running queue without its rings");
            assertThrows(IllegalStateException.class, () -> openNull(vireo, "vda"), "the name is taken");
            device.close();
            assertThrows(IllegalStateException.class, () -> device.setMemory(vmm.ram()));
        }
    }

    @Test
    @Tag("virtio-1.3-3.3.1/cleanup")
    void givesBackThreadsDescriptorsAndMappings() throws Exception {
        ActorSystem<Void> system = PrivateActorSystem.start("embedder");
        try {
            // What the JVM, Akka and the classes of all of it open once.
            for (int i = 0; i < 5; i++) cycle(system, i);
            List<String> fds = descriptors();
            for (int i = 0; i < 100; i++) cycle(system, i);
            assertEquals(fds, descriptors());
            assertEquals(0, mappings("vireo-driver"));
            assertEquals(0, mappings("io_uring"));
            // Akka's threads end a while after their system; those of the test before count too.
            long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (!ourThreads().isEmpty() && System.nanoTime() - patience < 0) Thread.onSpinWait();
            assertEquals(List.of(), ourThreads());
        } finally {
            system.terminate();
        }
    }

    private void cycle(ActorSystem<?> system, int number) {
        try (Arena arena = Arena.ofShared();
                Vireo vireo = Vireo.builder().actorSystem(system).iothread(IoThreadConfig.of("embed-io")).start();
                VirtioBlkDevice device = vireo.open(DriveConfig.FileDrive.of("root", image),
                        DeviceConfig.of("vda", "root").withIothread("embed-io")
                                .withQueues(VirtqueueConfig.DEFAULT.withCount(2)));
                TestVmm vmm = new TestVmm(device, DriverMemory.create(4 << 20))) {
            GuestRam[] ram = vmm.ram();
            device.setMemory(ram[0], GuestRam.ofSegment(arena.allocate(4096), 1 << 20));
            vmm.enableQueues();
            LoadResult result = vmm.run(SEED + number, 50);
            assertTrue(result.clean(), () -> result.failure() + " " + result.complaints());
        }
    }

    private static List<String> descriptors() throws Exception {
        try (var entries = Files.list(Path.of("/proc/self/fd"))) {
            // Without numbers of things, which differ between two of a kind; the listing itself is one of them.
            return entries.filter(Files::exists).map(EmbeddingTest::target).sorted().toList();
        }
    }

    private static String target(Path fd) {
        try {
            return Files.readSymbolicLink(fd).toString().replaceAll("\\d+", "N");
        } catch (IOException e) {
            return "gone";
        }
    }

    private static long mappings(String of) {
        try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(of)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> ourThreads() {
        return Thread.getAllStackTraces().keySet().stream().map(Thread::getName)
                .filter(name -> name.startsWith("vireo") || name.startsWith("embed-io") || name.startsWith("default0"))
                .toList();
    }

    @Test
    void closingAnArenaUnderLoadThrowsAndCrashesNothing() throws Exception {
        Forked result = Forked.run(folder, Forked.FLAGS, ArenaClosedEarly.class, image.toString());
        assertEquals(0, result.exitStatus(), result.output());
        assertTrue(result.output().contains("refused 1000 clean true"), result.output());
    }

    @Test
    void namesTheJvmFlagsThatAreMissing() throws Exception {
        Forked result = Forked.run(folder, List.of("--sun-misc-unsafe-memory-access=deny"), StartsOnly.class);
        assertEquals(1, result.exitStatus(), result.output());
        assertTrue(result.output().contains("--enable-native-access=ALL-UNNAMED"), result.output());
        assertTrue(result.output().contains("--sun-misc-unsafe-memory-access=allow"), result.output());
    }

    /** Starts an instance and ends it. */
    static final class StartsOnly {
        public static void main(String[] arguments) {
            Vireo.builder().start().close();
        }
    }
}
