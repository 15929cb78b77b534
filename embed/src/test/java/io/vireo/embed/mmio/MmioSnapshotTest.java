package io.vireo.embed.mmio;

import static io.vireo.virtio.mmio.MmioLayout.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Vireo;
import io.vireo.embed.mmio.MmioTransport.Notification;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.MmioDisk;
import io.vireo.virtio.driver.MmioDisk.Kick;
import io.vireo.virtio.driver.RequestMix;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.Waiting;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A device that is made quiet, saved, and gone on with by the same process. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MmioSnapshotTest {
    private static final long SEED = Long.getLong("vireo.seed", 20260104);
    private static final int IMAGE_BYTES = 8 << 20;

    @TempDir
    private Path folder;

    private Path image;
    private Vireo vireo;
    private MmioVmm vmm;
    private VerifyingLoad begun;
    private CompletableFuture<LoadResult> ended;

    @BeforeEach
    void makeImage() throws Exception {
        image = folder.resolve("disk.img");
        Files.write(image, new byte[IMAGE_BYTES]);
    }

    @AfterEach
    void close() {
        if (begun != null) {
            begun.leave(); // before the memory that it looks at is unmapped
            ended.join();
        }
        if (vmm != null) vmm.close();
        if (vireo != null) vireo.close();
    }

    private void open(String drive, String device) {
        vireo = Vireo.of(ConfigFactory.parseString("drives.d { " + drive + " }\ndevices.vda { drive = d" + device + " }"));
        vmm = new MmioVmm(vireo.open("vda"), Notification.DATA);
    }

    private void openFile(String device) {
        open("driver = file, filename = \"" + image + "\"", device);
    }

    private CompletableFuture<LoadResult> start(VerifyingLoad load) {
        begun = load;
        ended = CompletableFuture.supplyAsync(load::run);
        return ended;
    }

    private static LoadOptions options() {
        return LoadOptions.of(SEED).withDepth(16).withDataBytesMax(16 << 10);
    }

    private static void assertClean(LoadResult result) {
        assertTrue(result.clean(), () -> "seed " + SEED + ": " + result.failure() + " " + result.complaints() + " " + result.errors());
    }

    private static void await(String what, BooleanSupplier condition) {
        long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - giveUp > 0) throw new AssertionError("in vain: " + what);
            Thread.yield();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void goesOnWithAnotherDeviceWhereTheLastOneWasSaved(boolean packed) throws Exception {
        openFile(", num-queues = 2, packed = " + packed);
        VerifyingLoad load = new VerifyingLoad(
                vmm.bringUp(Kick.REGISTER).transport(), options().withWaiting(Waiting.SPIN));
        CompletableFuture<LoadResult> running = start(load);
        for (int i = 0; i < 3; i++) {
            long before = load.completedRequests();
            await("requests", () -> load.completedRequests() > before + 300 || running.isDone());
            vmm.device.quiesce().get(30, TimeUnit.SECONDS);
            byte[] state = vmm.mmio.save();
            assertEquals(0, vmm.device.inFlightRequests());
            vmm.mmio.close();
            vireo.close();
            vireo = Vireo.of(ConfigFactory.parseString("drives.d { driver = file, filename = \"" + image
                    + "\" }\ndevices.vda { drive = d, num-queues = 2, packed = " + packed + " }"));
            vmm.restore(vireo.open("vda"), Notification.DATA, state);
            assertEquals(15, vmm.get(STATUS));
            long quiet = load.completedRequests();
            vmm.device.drain();
            assertTrue(load.completedRequests() <= quiet + 32, "it took something before it was resumed");
            vmm.device.resume();
        }
        long before = load.completedRequests();
        await("requests", () -> load.completedRequests() > before + 300 || running.isDone());
        load.stop();
        LoadResult result = running.get(60, TimeUnit.SECONDS);
        assertClean(result);
        assertNotEquals(0, result.verifiedSectors());
    }

    @Test
    void servesOnAfterItWasQuiet() throws Exception {
        openFile("");
        VerifyingLoad load = new VerifyingLoad(vmm.bringUp(Kick.EVENTFD).transport(), options());
        CompletableFuture<LoadResult> running = start(load);
        for (int i = 0; i < 20; i++) {
            long before = load.completedRequests();
            await("requests", () -> load.completedRequests() > before + 20 || running.isDone());
            vmm.device.quiesce().get(30, TimeUnit.SECONDS);
            assertEquals(0, vmm.device.inFlightRequests());
            byte[] state = vmm.mmio.save();
            assertEquals(0, vmm.device.inFlightRequests());
            // But for InterruptStatus, which the driver acknowledges meanwhile, nothing moves.
            assertEquals(Arrays.toString(Arrays.copyOfRange(state, 24, state.length)),
                    Arrays.toString(Arrays.copyOfRange(vmm.mmio.save(), 24, state.length)));
            vmm.device.resume();
        }
        load.stop();
        assertClean(running.get(60, TimeUnit.SECONDS));
    }

    @Test
    void waitsForASlowDriveAndTakesNothingMeanwhile() throws Exception {
        open("driver = null-co, size = 8M, latency = 2s", "");
        VerifyingLoad load = new VerifyingLoad(vmm.bringUp(Kick.EVENTFD).transport(),
                options().withMix(new RequestMix(0, 1, 0, 0, 0, 0)).withSweep(false));
        CompletableFuture<LoadResult> running = start(load);
        await("requests in flight", () -> vmm.device.inFlightRequests() > 0);
        CompletableFuture<Void> quiet = vmm.device.quiesce();
        assertFalse(quiet.isDone());
        quiet.get(30, TimeUnit.SECONDS);
        assertEquals(0, vmm.device.inFlightRequests());
        await("what was done", () -> load.completedRequests() > 0);
        long before = load.completedRequests();
        vmm.device.drain();
        assertTrue(load.completedRequests() <= before + 16);
        load.stop();
        vmm.device.resume();
        assertTrue(running.get(60, TimeUnit.SECONDS).clean());
    }

    @Test
    void cannotSaveRequestsThatItKeepsForADriverThatWantsThemInOrder() throws Exception {
        openFile(", rerror = stop, in_order = on");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(0);
            VerifyingLoad load = new VerifyingLoad(vmm.bringUp(Kick.EVENTFD).transport(),
                    options().withRequestsMax(200).withMix(new RequestMix(1, 0, 0, 0, 0, 0)));
            CompletableFuture<LoadResult> running = start(load);
            await("a stop", () -> vmm.device.isStoppedByError());
            ExecutionException refusal =
                    assertThrows(ExecutionException.class, () -> vmm.device.quiesce().get(30, TimeUnit.SECONDS));
            assertInstanceOf(IllegalStateException.class, refusal.getCause());
            assertTrue(refusal.getCause().getMessage().contains("in order"), refusal.getCause().getMessage());
            file.setLength(IMAGE_BYTES);
            // Reads that failed before and come only now stop it again.
            await("quiet", () -> {
                vmm.device.resume();
                return vmm.device.quiesce().handle((_, failure) -> failure == null).join();
            });
            assertEquals(0, vmm.device.inFlightRequests());
            vmm.device.resume();
            assertClean(running.get(60, TimeUnit.SECONDS));
        }
    }

    @Test
    void keepsWhatADriverHasWrittenAndIsInterruptedFor() throws Exception {
        openFile("");
        MmioDisk _ = vmm.bringUp(Kick.EVENTFD);
        vmm.write(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1, 0);
        vmm.device.resize(2L * IMAGE_BYTES, false);
        await("an interrupt", () -> vmm.get(INTERRUPT_STATUS) == INTERRUPT_CONFIG_CHANGE);
        vmm.status(VirtioBlkDevice.STATUS_FAILED);
        vmm.put(QUEUE_SEL, 7);
        vmm.device.quiesce().get(30, TimeUnit.SECONDS);
        byte[] state = vmm.mmio.save();
        vmm.mmio.close();
        vmm.device.writeConfig(BlkLayout.CONFIG_WRITEBACK, new byte[] {1});
        vmm.restore(vmm.device, Notification.DATA, state);
        assertEquals(Arrays.toString(state), Arrays.toString(vmm.mmio.save()));
        assertEquals(15 | VirtioBlkDevice.STATUS_FAILED, vmm.get(STATUS));
        assertEquals(INTERRUPT_CONFIG_CHANGE, vmm.get(INTERRUPT_STATUS));
        assertEquals(0, vmm.read(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1));
        assertEquals(0, vmm.get(QUEUE_NUM_MAX), "queue 7");
        vmm.put(QUEUE_SEL, 0);
        assertEquals(1, vmm.get(QUEUE_READY));
        vmm.device.resume();
    }

    @Test
    void tellsItsDriverOfASizeThatChangedInBetween() throws Exception {
        openFile("");
        MmioDisk _ = vmm.bringUp(Kick.EVENTFD);
        vmm.device.quiesce().get(30, TimeUnit.SECONDS);
        byte[] state = vmm.mmio.save();
        vmm.mmio.close();
        vmm.device.resize(2L * IMAGE_BYTES, false);
        vmm.restore(vmm.device, Notification.DATA, state);
        assertEquals(INTERRUPT_CONFIG_CHANGE, vmm.get(INTERRUPT_STATUS));
    }

    @Test
    void goesOnWithADriverThatHasNotComeFar() throws Exception {
        openFile("");
        vmm.acceptFeatures(1L << 32);
        vmm.setUpQueue(0, 64, 1, 2, 3);
        vmm.device.quiesce().get(30, TimeUnit.SECONDS);
        byte[] state = vmm.mmio.save();
        vmm.mmio.close();
        vmm.restore(vmm.device, Notification.INDEX, state);
        vmm.device.resume();
        assertEquals(11, vmm.get(STATUS));
        vmm.put(STATUS, 0);
        assertClean(new VerifyingLoad(vmm.bringUp(Kick.EVENTFD).transport(), options().withRequestsMax(200)).run());
    }

    @Test
    void refusesStatesThatItNeverSavedAndServesAfterThat() throws Exception {
        openFile(", num-queues = 2");
        MmioDisk _ = vmm.bringUp(Kick.EVENTFD);
        vmm.device.quiesce().get(30, TimeUnit.SECONDS);
        byte[] good = vmm.mmio.save();
        vmm.mmio.close();
        vmm.device.resume();
        for (int length = 0; length < good.length; length++) assertRefused(Arrays.copyOf(good, length));
        assertRefused(Arrays.copyOf(good, good.length + 1));
        for (int at : new int[] {0, 4, 17, 21, 36, 48, 52, 84, 92, good.length - 12, good.length - 1}) {
            byte[] bad = good.clone();
            bad[at] ^= 0x40;
            assertRefused(bad);
        }
        byte[] outside = good.clone();
        outside[56 + 7] = 1; // the descriptor area of queue 0
        assertRefused(outside);
        SplittableRandom random = new SplittableRandom(SEED);
        int taken = 0;
        for (int i = 0; i < 100; i++) {
            byte[] bad = good.clone();
            for (int n = random.nextInt(4); n >= 0; n--) bad[random.nextInt(bad.length)] = (byte) random.nextInt();
            try {
                vmm.restore(vmm.device, Notification.DATA, bad);
                taken++;
                vmm.mmio.close();
                vmm.device.resume();
            } catch (IllegalArgumentException e) {
                assertEquals(0, vmm.device.status());
            }
        }
        assertNotEquals(0, taken, "some differ where it does not matter");
        vmm.restore(vmm.device, Notification.DATA, good);
        vmm.device.resume();
        vmm.put(STATUS, 0);
        assertClean(new VerifyingLoad(vmm.bringUp(Kick.EVENTFD).transport(), options().withRequestsMax(200)).run());
    }

    private void assertRefused(byte[] state) {
        assertThrows(IllegalArgumentException.class, () -> vmm.restore(vmm.device, Notification.DATA, state));
    }
}
