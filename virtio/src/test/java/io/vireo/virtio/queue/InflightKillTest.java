package io.vireo.virtio.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.vireo.posix.Fd;
import io.vireo.posix.Memfd;
import io.vireo.posix.Memory;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A driver whose device dies again and again, between any two stores of taking and using chains: each chain comes back
 * once, and the next device takes what was in flight in the order in which it was sent. The driver finds a chain that is
 * used twice, or was never sent.
 */
class InflightKillTest {
    private static final int KILLS = 3 * Integer.getInteger("vireo.soak", 1);
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final long STALL_NANOS = 30_000_000_000L;
    private static final int SLOT_BYTES = 256;

    private final DriverMemory memory = DriverMemory.create(4 << 20);
    private final Random random = new Random(SEED);

    @ParameterizedTest
    @CsvSource({"64, 0x130000000", "8, 0x920000000", "7, 0x520000000", "64, 0x530000000", "64, 0xD30000000"})
    @Tag("vhost-user-INFLIGHT/split")
    @Tag("vhost-user-INFLIGHT/packed")
    @Tag("vhost-user-INFLIGHT/order")
    void noChainIsLostOrUsedTwiceHoweverOftenItsDeviceDies(int size, long features) throws Exception {
        System.out.printf("InflightKillTest seed %d (-Dvireo.seed), size %d, features 0x%x%n", SEED, size, features);
        DriverVirtqueue driver = DriverVirtqueue.of(memory, size, features, 4);
        long slots = memory.allocate((long) size * SLOT_BYTES, 64);
        Sender sender = new Sender(driver, slots, size);
        int resubmits = 0;
        try (Fd inflight = Memfd.create("vireo-test-inflight", RingFormat.of(features).inflightBytes(size))) {
            for (int kill = 0; kill < KILLS; kill++) {
                Process device = start(driver, inflight, size, features, 1 + random.nextInt(2_000));
                try {
                    resubmits += Integer.parseInt(device.inputReader().readLine());
                    sender.runUntilKilled(device);
                } finally {
                    device.destroyForcibly().waitFor();
                }
            }
            Process device = start(driver, inflight, size, features, 0);
            try {
                sender.finish(device);
            } finally {
                device.destroyForcibly().waitFor();
            }
        }
        assertEquals(sender.sent, sender.seen);
        assertNotEquals(0, resubmits, "no death found a chain in flight");
        memory.close();
    }

    private Process start(DriverVirtqueue driver, Fd inflight, int size, long features, int batches)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(System.getProperty("java.home") + "/bin/java");
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith("--")).forEach(command::add);
        command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx32m", "-cp", System.getProperty("java.class.path")));
        String descriptors = "/proc/" + ProcessHandle.current().pid() + "/fd/";
        DriverMemory.Region region = memory.regions().getFirst();
        command.addAll(List.of(KilledDevice.class.getName(),
                descriptors + region.fd().number(), "" + region.gpa(), "" + region.sizeBytes(), descriptors + inflight.number(),
                "" + driver.descriptorGpa(), "" + driver.driverGpa(), "" + driver.deviceGpa(),
                "" + size, "" + features, "" + random.nextLong(), "" + batches));
        return new ProcessBuilder(command).start();
    }

    /** The driver's work: keeps the ring as full as it happens to be, and judges what comes back. */
    private final class Sender {
        private final DriverVirtqueue driver;
        private final long slots;
        private final int[] free;
        private final long[] numbers;
        private int freeCount;
        private long sent;
        private long seen;

        Sender(DriverVirtqueue driver, long slots, int size) {
            this.driver = driver;
            this.slots = slots;
            free = new int[size];
            numbers = new long[size];
            for (int i = 0; i < size; i++) free[freeCount++] = i;
            driver.suppressCalls();
        }

        void runUntilKilled(Process device) throws Exception {
            long stall = System.nanoTime() + STALL_NANOS;
            while (device.isAlive()) {
                turn(true);
                if (System.nanoTime() > stall) throw failure(device, "the device lives and lives: " + driver);
            }
            if (device.exitValue() != 128 + KilledDevice.SIGALRM)
                throw failure(device, "the device ended with " + device.exitValue());
        }

        void finish(Process device) throws Exception {
            long stall = System.nanoTime() + STALL_NANOS;
            while (driver.inFlight() > 0) {
                requireAlive(device, stall);
                turn(false);
            }
        }

        private void requireAlive(Process device, long stall) throws IOException {
            if (!device.isAlive()) throw failure(device, "the device ended with " + device.exitValue());
            if (System.nanoTime() > stall) throw failure(device, "a chain does not come back: " + driver);
        }

        private void turn(boolean send) {
            if (send) for (int burst = random.nextInt(free.length + 1); burst > 0 && freeCount > 0 && sendOne(); burst--) {}
            driver.publish();
            if (driver.pendingUsed() == 0) Thread.yield();
            for (int slot; (slot = driver.reap()) >= 0; seen++) {
                long answer = memory.address(slots + (long) slot * SLOT_BYTES) + SLOT_BYTES - 16;
                assertEquals(numbers[slot], Memory.getLong(answer));
                free[freeCount++] = slot;
            }
        }

        private boolean sendOne() {
            int slot = free[freeCount - 1];
            long gpa = slots + (long) slot * SLOT_BYTES;
            driver.useIndirect(random.nextBoolean());
            driver.begin();
            driver.add(gpa, 8, false);
            for (int more = random.nextInt(driver.buffersMax() - 1); more > 0; more--) driver.add(gpa + 8L * more, 8, false);
            driver.add(gpa + SLOT_BYTES - 16, 16, true);
            if (!driver.commit(slot)) return false;
            numbers[slot] = sent++;
            Memory.putLong(memory.address(gpa), numbers[slot]);
            Memory.putLong(memory.address(gpa) + SLOT_BYTES - 16, -1);
            freeCount--;
            return true;
        }

        private AssertionError failure(Process device, String what) throws IOException {
            device.destroyForcibly();
            return new AssertionError("seed " + SEED + ": " + what + "\n"
                    + new String(device.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
        }
    }
}
