package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.PosixFile;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.MmioDisk;
import io.vireo.virtio.driver.MmioWindow;
import io.vireo.virtio.driver.VerifyingLoad;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A VMM is made quiet, saved and killed; another one goes on with its guest's memory, and the guest sees nothing of it. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class SnapshotTest {
    private static final long SEED = Long.getLong("vireo.seed", 20260105);
    private static final long MEMORY_BYTES = 16 << 20;
    private static final long IMAGE_BYTES = 32 << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int QUEUES = 2;

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void goesOnInAnotherProcessAfterTheFirstWasKilled(boolean packed) throws Exception {
        Path image = folder.resolve("disk.img");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(IMAGE_BYTES);
        }
        Path ram = folder.resolve("ram");
        Fd memoryFile = PosixFile.open(ram.toString(), PosixFile.O_RDWR | PosixFile.O_CREAT, 0600);
        PosixFile.truncate(memoryFile, MEMORY_BYTES);
        String config = "drives.d { driver = file, filename = \"" + image + "\" }\ndevices.vda { drive = d, num-queues = "
                + QUEUES + ", packed = " + packed + " }";
        try (DriverMemory memory = DriverMemory.over(List.of(memoryFile), 0, MEMORY_BYTES); Guest guest = new Guest(config, ram)) {
            guest.begin(null);
            MmioDisk disk = MmioDisk.attach(guest, memory, MmioDisk.Options.of(QUEUES, 64, MmioDisk.Kick.REGISTER));
            VerifyingLoad load = new VerifyingLoad(disk.transport(), LoadOptions.of(SEED).withDepth(16)
                    .withDataBytesMax(16 << 10).withStallNanos(PATIENCE.toNanos()));
            CompletableFuture<LoadResult> running = CompletableFuture.supplyAsync(load::run);
            for (int i = 0; i < 2; i++) {
                awaitRequests(load, running, 500);
                Path state = folder.resolve("state" + i);
                guest.saveAndKill(state);
                guest.begin(state);
            }
            awaitRequests(load, running, 500);
            load.stop();
            LoadResult result = running.get(60, TimeUnit.SECONDS);
            assertTrue(result.clean(), () -> "seed " + SEED + ": " + result.failure() + " " + result.complaints() + " " + result.errors());
            assertNotEquals(0, result.verifiedSectors());
            disk.close();
        }
    }

    private static void awaitRequests(VerifyingLoad load, CompletableFuture<?> running, int more) {
        long before = load.completedRequests();
        Await.until("requests are done", () -> load.completedRequests() > before + more || running.isDone());
    }

    /** The end of the pipes that plays vCPU and interrupt controller. Between two VMMs its accesses go nowhere. */
    private static final class Guest implements MmioWindow, AutoCloseable {
        private final String config;
        private final Path ram;
        /** Not what kicks travel by here. */
        private final EventFd kick = EventFd.create();
        private final EventFd interrupt = EventFd.create();
        private Child vmm;
        private int said;

        Guest(String config, Path ram) {
            this.config = config;
            this.ram = ram;
        }

        /** Starts a VMM, from a saved state if there is one. */
        void begin(Path state) {
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                    "-cp", System.getProperty("java.class.path"), PipedVmm.class.getName(),
                    config, ram.toString(), Long.toString(MEMORY_BYTES), Long.toString(DriverMemory.GPA_BASE)));
            if (state != null) command.add(state.toString());
            Child next = Child.start("VMM", new ProcessBuilder(command));
            int ready = next.awaitOut(0, "ready"::equals, "ready", PATIENCE);
            Thread.ofVirtual().start(() -> takeInterrupts(next));
            synchronized (this) {
                vmm = next;
                said = ready;
                if (state != null) answer("resume", "resumed");
            }
        }

        synchronized void saveAndKill(Path state) throws IOException {
            answer("save " + state, "saved");
            vmm.close();
            vmm = null;
            assertNotEquals(0, Files.size(state));
        }

        private String answer(String command, String begins) {
            vmm.tell(command);
            said = vmm.awaitOut(said + 1, line -> line.startsWith(begins), begins, PATIENCE);
            return vmm.out().get(said);
        }

        private void takeInterrupts(Child of) {
            try {
                for (int at = 0; ; at++) {
                    at = of.awaitOut(at, "irq"::equals, "irq", Duration.ofMinutes(10));
                    interrupt.signal();
                }
            } catch (AssertionError ended) {
                // It was killed, or is closed.
            }
        }

        @Override
        public synchronized long read(int offset, int widthBytes) {
            if (vmm == null) return 0;
            return Long.parseLong(answer("r " + offset + " " + widthBytes, "= ").substring(2));
        }

        @Override
        public synchronized void write(int offset, int widthBytes, long value) {
            if (vmm != null) vmm.tell("w " + offset + " " + widthBytes + " " + value);
        }

        @Override
        public int kickFd(int queue) {
            return kick.fd().number();
        }

        @Override
        public int interruptFd() {
            return interrupt.fd().number();
        }

        @Override
        public synchronized void close() {
            if (vmm != null) vmm.close();
            kick.close();
            interrupt.close();
        }
    }
}
