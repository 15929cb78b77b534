package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Epoll;
import io.vireo.posix.Memory;
import io.vireo.virtio.driver.BenchLoad;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.driver.Waiting;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One attack on a packed virtqueue after the other, while a neighbour's every sector is verified. */
@Timeout(value = 1, unit = TimeUnit.HOURS)
final class PackedTortureTest {
    private static final int SOAK = Integer.getInteger("vireo.soak", 1);
    private static final int ATTACKS = SOAK == 1 ? 200 : 500 * SOAK;
    private static final int ROUNDS = 5;
    private static final long NANOS_A_ROUND = TimeUnit.SECONDS.toNanos(3);
    private static final long NANOS_BETWEEN_CLIENTS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final VhostUserDisk.Options PACKED =
            VhostUserDisk.Options.defaults().withFeatures(VirtqueueLayout.F_RING_PACKED);
    private static final VhostUserDisk.Options ATTACKERS = PACKED.withQueues(1, PackedAttack.Ring.SIZE);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final Duration SETTLED_AFTER = Duration.ofSeconds(1);
    /** Threads that come and go as there is work: the JVM's own, those of Akka's pool, and those that unmap. */
    private static final String POOLS =
            "(C[12] |GC |G1 |Sweeper|Monitor|Attach|Signal|Common-Clean|vireo-blocking|vireo-akka).*";

    @TempDir
    Path folder;

    private Path socket(String device) {
        return folder.resolve(device + ".sock");
    }

    private VireoDaemon serve() throws IOException {
        int port = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives { a { driver = ram, size = 16M }, v { driver = ram, size = 16M } }
                  devices.attacked { drive = a, packed = on, transport.path = "%s" }
                  devices.victim { drive = v, packed = on, transport.path = "%s" }
                  metrics.port = %d
                }
                """.formatted(socket("attacked"), socket("victim"), port));
        return VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "attacked", "victim");
    }

    @Test
    @Tag("virtio-1.3-2.8")
    void harmsNobodyAndLeavesNothingBehind() throws Exception {
        System.out.println("PackedTortureTest attacks " + ATTACKS + ", -Dvireo.seed=" + SEED);
        try (VireoDaemon daemon = serve();
                DriverMemory memory = DriverMemory.create(32L << 20);
                VhostUserDisk victim = VhostUserDisk.attach(socket("victim"), memory, PACKED)) {
            VerifyingLoad load = new VerifyingLoad(victim.transport(),
                    LoadOptions.of(SEED).withDepth(8).withDataBytesMax(16 << 10).withDurationNanos(TimeUnit.HOURS.toNanos(1)));
            CompletableFuture<LoadResult> result = new CompletableFuture<>();
            Thread driver = Thread.ofPlatform().daemon().start(() -> result.complete(load.run()));
            try {
                PackedAttack[] attacks = PackedAttack.values();
                for (PackedAttack attack : attacks) attack(attack);
                List<String> before = settledHolds(daemon);
                for (int i = 0; i < ATTACKS; i++) attack(attacks[i % attacks.length]);
                awaitHolds(daemon, before);
            } finally {
                load.stop();
                driver.join(); // before its memory goes
            }
            assertTrue(result.join().clean(), () -> "seed " + SEED + ": " + result.join().failure() + result.join().complaints());
            assertNotEquals(0, result.join().verifiedSectors());
            assertEquals(0, daemon.terminate(Duration.ofSeconds(20)), daemon.failure("end")::getMessage);
        }
    }

    private void attack(PackedAttack attack) {
        try (DriverMemory memory = DriverMemory.create(PackedAttack.Ring.MEMORY_BYTES);
                VhostUserDisk disk = VhostUserDisk.attach(socket("attacked"), memory, ATTACKERS);
                Epoll broken = Epoll.create(1)) {
            broken.add(disk.err().fd(), Epoll.EPOLLIN, 0);
            PackedAttack.Ring ring = new PackedAttack.Ring(disk, memory);
            attack.attack(ring);
            switch (attack.outcome) {
                case BREAKS -> assertEquals(1, broken.await(PATIENCE_NANOS), attack + " breaks nothing");
                case OK -> assertEquals(0, awaitStatus(attack, ring));
                case IOERR -> assertEquals(1, awaitStatus(attack, ring));
                case ANY -> {}
            }
        }
    }

    private static int awaitStatus(PackedAttack attack, PackedAttack.Ring ring) {
        long giveUp = System.nanoTime() + PATIENCE_NANOS;
        while (ring.status() == PackedAttack.Ring.STATUS_UNWRITTEN) {
            if (System.nanoTime() - giveUp > 0) throw new AssertionError(attack + " is not answered");
            Thread.yield();
        }
        return ring.status();
    }

    /** Descriptors by kind, mappings of guests' memory, and threads that are of no pool. */
    private static List<String> holds(VireoDaemon daemon) throws IOException {
        Path process = Path.of("/proc", Long.toString(daemon.pid()));
        return Stream.of(descriptors(process), mappings(process), threads(process)).flatMap(List::stream).sorted().toList();
    }

    private static List<String> descriptors(Path process) throws IOException {
        try (Stream<Path> links = Files.list(process.resolve("fd"))) {
            return links.flatMap(link -> read(() -> Files.readSymbolicLink(link).toString()))
                    .map(target -> target.replaceAll("\\[\\d+]", "")).toList();
        }
    }

    private static List<String> mappings(Path process) throws IOException {
        try (Stream<String> lines = Files.lines(process.resolve("maps"))) {
            return lines.filter(line -> line.contains("/memfd:vireo-driver")).map(_ -> "a mapping of a guest's memory").toList();
        }
    }

    private static List<String> threads(Path process) throws IOException {
        try (Stream<Path> tasks = Files.list(process.resolve("task"))) {
            return tasks.flatMap(task -> read(() -> Files.readString(task.resolve("comm")).strip()))
                    .filter(name -> !name.matches(POOLS)).toList();
        }
    }

    private interface Reading {
        String read() throws IOException;
    }

    /** Nothing when it is gone by now. */
    private static Stream<String> read(Reading reading) {
        try {
            return Stream.of(reading.read());
        } catch (IOException _) {
            return Stream.empty();
        }
    }

    /** What it has once that has not changed for a while: the last attacker's end may still be on its way. */
    private static List<String> settledHolds(VireoDaemon daemon) throws IOException {
        List<String> holds = holds(daemon);
        long since = System.nanoTime();
        while (System.nanoTime() - since < SETTLED_AFTER.toNanos()) {
            LockSupport.parkNanos(SETTLED_AFTER.toNanos() / 10);
            List<String> now = holds(daemon);
            if (now.equals(holds)) continue;
            holds = now;
            since = System.nanoTime();
        }
        return holds;
    }

    /** So is it here. */
    private static void awaitHolds(VireoDaemon daemon, List<String> before) throws IOException {
        long giveUp = System.nanoTime() + PATIENCE_NANOS;
        List<String> now = holds(daemon);
        while (!now.equals(before) && System.nanoTime() - giveUp < 0) now = holds(daemon);
        assertEquals(String.join("\n", before), String.join("\n", now));
    }

    /** Where the daemon has the victim's memory is no secret to an attacker, and no use. */
    @Test
    void whoKnowsTheVictimsAddressesCannotReachItsMemory() throws Exception {
        try (VireoDaemon daemon = serve();
                DriverMemory memory = DriverMemory.create(4L << 20, 4L << 20);
                VhostUserDisk victim = VhostUserDisk.attach(socket("victim"), memory, PACKED)) {
            long secret = memory.address(memory.allocate(1 << 20, 4096));
            Memory.fill(secret, 1 << 20, 0x5A);
            long checksum = checksum(memory);
            for (DriverMemory.Region region : memory.regions()) {
                // The attacker's own memory has the first region's guest physical addresses: those reach only its own.
                probe(region.userAddress());
                if (region.gpa() != DriverMemory.GPA_BASE) probe(region.gpa());
            }
            try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(daemon.pid()), "maps"))) {
                List<Long> mapped = lines.filter(line -> line.contains("/memfd:vireo-driver"))
                        .map(line -> Long.parseUnsignedLong(line.substring(0, line.indexOf('-')), 16)).toList();
                assertTrue(mapped.size() >= 2, "the daemon maps " + mapped);
                for (long address : mapped) probe(address);
            }
            assertEquals(checksum, checksum(memory));
            assertNotEquals(0, victim.facts().capacitySectors());
        }
    }

    /** Asks the device to read and to write there. */
    private void probe(long address) {
        for (int flags : new int[] {0, PackedAttack.Ring.WRITE}) {
            try (DriverMemory memory = DriverMemory.create(PackedAttack.Ring.MEMORY_BYTES);
                    VhostUserDisk disk = VhostUserDisk.attach(socket("attacked"), memory, ATTACKERS);
                    Epoll broken = Epoll.create(1)) {
                broken.add(disk.err().fd(), Epoll.EPOLLIN, 0);
                PackedAttack.Ring ring = new PackedAttack.Ring(disk, memory);
                ring.header(flags == 0 ? 1 : 0, 0);
                ring.put(PackedAttack.Ring.page(1), 16, PackedAttack.Ring.NEXT, 0);
                ring.put(address + 0x1000, 4096, PackedAttack.Ring.NEXT | flags, 0);
                ring.put(PackedAttack.Ring.page(3), 1, PackedAttack.Ring.WRITE, 0);
                ring.show();
                assertEquals(1, broken.await(PATIENCE_NANOS), "0x%x is reached".formatted(address));
                assertEquals(PackedAttack.Ring.STATUS_UNWRITTEN, ring.status());
            }
        }
    }

    /** A client a hundredth of a second, who does one thing: of rounds that take turns the medians are compared. */
    @Test
    @Tag("measurement")
    void aNeighbourWaitsNoLongerThanBesideAWellBehavedClient() throws Exception {
        try (VireoDaemon daemon = serve();
                DriverMemory memory = DriverMemory.create(32L << 20);
                VhostUserDisk victim = VhostUserDisk.attach(socket("victim"), memory, PACKED)) {
            BenchLoad load = new BenchLoad(victim.transport(),
                    BenchLoad.Options.of(BenchLoad.Access.RANDREAD, 4096, 1, NANOS_A_ROUND, Waiting.CALL));
            long[] behaved = new long[ROUNDS];
            long[] attacked = new long[ROUNDS];
            PackedAttack[] attacks = PackedAttack.values();
            tailBeside(load, _ -> attack(PackedAttack.EVENTS_OF_GARBAGE)); // until all of it is compiled
            for (int round = 0; round < ROUNDS; round++) {
                behaved[round] = tailBeside(load, _ -> attack(PackedAttack.EVENTS_OF_GARBAGE));
                attacked[round] = tailBeside(load, i -> attack(attacks[i % attacks.length]));
            }
            Arrays.sort(behaved);
            Arrays.sort(attacked);
            System.out.println("p99 in ns: " + Arrays.toString(behaved) + " beside a client, " + Arrays.toString(attacked)
                    + " beside an attacker");
            assertTrue(attacked[ROUNDS / 2] <= 1.5 * behaved[ROUNDS / 2], () -> Arrays.toString(attacked));
            assertEquals(0, daemon.terminate(Duration.ofSeconds(20)), daemon.failure("end")::getMessage);
        }
    }

    private static long tailBeside(BenchLoad load, IntConsumer client) throws InterruptedException {
        AtomicBoolean ending = new AtomicBoolean();
        CompletableFuture<Void> failure = new CompletableFuture<>();
        Thread clients = Thread.ofPlatform().start(() -> {
            long next = System.nanoTime();
            try {
                for (int i = 0; !ending.get(); i++) {
                    client.accept(i);
                    for (next += NANOS_BETWEEN_CLIENTS; System.nanoTime() - next < 0; ) {
                        LockSupport.parkNanos(next - System.nanoTime());
                    }
                }
            } catch (Throwable e) {
                failure.completeExceptionally(e);
            }
        });
        BenchLoad.Result result = load.run(NANOS_A_ROUND).getFirst();
        ending.set(true);
        clients.join();
        failure.getNow(null);
        assertEquals(0, result.errors());
        return result.latency().nanosAt(0.99);
    }

    private static long checksum(DriverMemory memory) {
        long sum = 0;
        for (DriverMemory.Region region : memory.regions()) {
            for (long at = 0; at < region.sizeBytes(); at += 8) sum = 31 * sum + Memory.getLong(region.userAddress() + at);
        }
        return sum;
    }
}
