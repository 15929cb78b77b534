package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertFalse;
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
import io.vireo.virtio.driver.RequestMix;
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
        try (Guest guest = new Guest(folder, "packed = " + packed)) {
            guest.begin(null);
            VerifyingLoad load = guest.load(LoadOptions.of(SEED));
            CompletableFuture<LoadResult> running = guest.start(load);
            for (int i = 0; i < 2; i++) {
                awaitRequests(load, running, 500);
                Path state = folder.resolve("state" + i);
                guest.saveAndKill(state);
                guest.begin(state);
                guest.resume();
            }
            awaitRequests(load, running, 500);
            load.stop();
            assertClean(running.get(60, TimeUnit.SECONDS));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void triesAgainInAnotherProcessWhatHasFailedInTheFirst(boolean packed) throws Exception {
        try (Guest guest = new Guest(folder, "rerror = stop, werror = stop, packed = " + packed);
                RandomAccessFile image = new RandomAccessFile(guest.image.toFile(), "rw")) {
            image.setLength(IMAGE_BYTES);
            guest.begin(null);
            image.setLength(0);
            // Writes make the image longer, and are done; reads from behind its end fail.
            VerifyingLoad load = guest.load(
                    LoadOptions.of(SEED).withRequestsMax(1000).withMix(new RequestMix(1, 1, 0, 0, 0, 0)));
            CompletableFuture<LoadResult> running = guest.start(load);
            Await.until("the device has stopped", guest::isStopped);
            Path state = folder.resolve("state");
            guest.saveAndKill(state);
            image.setLength(IMAGE_BYTES);
            guest.begin(state);
            assertTrue(guest.isStopped());
            assertFalse(running.isDone());
            guest.resume();
            assertFalse(guest.isStopped());
            assertClean(running.get(60, TimeUnit.SECONDS));
        }
    }

    private static void assertClean(LoadResult result) {
        assertTrue(result.clean(), () -> "seed " + SEED + ": " + result.failure() + " " + result.complaints() + " " + result.errors());
        assertNotEquals(0, result.verifiedSectors());
    }

    private static void awaitRequests(VerifyingLoad load, CompletableFuture<?> running, int more) {
        long before = load.completedRequests();
        Await.until("requests are done", () -> load.completedRequests() > before + more || running.isDone());
    }

    /** The end of the pipes that plays vCPU and interrupt controller. Between two VMMs its accesses go nowhere. */
    private static final class Guest implements MmioWindow, AutoCloseable {
        final Path image;
        private final String config;
        private final Path ram;
        private final DriverMemory memory;
        /** Not what kicks travel by here. */
        private final EventFd kick = EventFd.create();
        private final EventFd interrupt = EventFd.create();
        private VerifyingLoad begun;
        private CompletableFuture<LoadResult> ended;
        private Child vmm;
        private int said;

        Guest(Path folder, String device) throws IOException {
            image = folder.resolve("disk.img");
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(IMAGE_BYTES);
            }
            config = "drives.d { driver = file, filename = \"" + image + "\" }\ndevices.vda { drive = d, num-queues = "
                    + QUEUES + ", " + device + " }";
            ram = folder.resolve("ram");
            Fd file = PosixFile.open(ram.toString(), PosixFile.O_RDWR | PosixFile.O_CREAT, 0600);
            PosixFile.truncate(file, MEMORY_BYTES);
            memory = DriverMemory.over(List.of(file), 0, MEMORY_BYTES);
        }

        /** Brings the disk up; what drives it then. */
        VerifyingLoad load(LoadOptions options) {
            MmioDisk disk = MmioDisk.attach(this, memory, MmioDisk.Options.of(QUEUES, 64, MmioDisk.Kick.REGISTER));
            return new VerifyingLoad(disk.transport(),
                    options.withDepth(16).withDataBytesMax(16 << 10).withStallNanos(PATIENCE.toNanos()));
        }

        CompletableFuture<LoadResult> start(VerifyingLoad load) {
            begun = load;
            ended = CompletableFuture.supplyAsync(load::run);
            return ended;
        }

        synchronized boolean isStopped() {
            return answer("stopped", "= ").equals("= true");
        }

        synchronized void resume() {
            answer("resume", "resumed");
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
        public void close() {
            if (begun != null) begun.leave(); // before the memory that it looks at is unmapped
            synchronized (this) {
                if (vmm != null) vmm.close();
                vmm = null;
            }
            if (ended != null) ended.exceptionally(_ -> null).join();
            memory.close();
            kick.close();
            interrupt.close();
        }
    }
}
