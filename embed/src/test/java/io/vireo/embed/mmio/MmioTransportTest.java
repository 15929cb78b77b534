package io.vireo.embed.mmio;

import static io.vireo.virtio.mmio.MmioLayout.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Vireo;
import io.vireo.embed.mmio.MmioTransport.Notification;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.driver.FrontendException;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.MmioDisk;
import io.vireo.virtio.driver.MmioDisk.Kick;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class MmioTransportTest {
    private static final long SEED = Long.getLong("vireo.seed", 20260103);
    private static final int STATUS_ALL = VirtioBlkDevice.STATUS_ACKNOWLEDGE | VirtioBlkDevice.STATUS_DRIVER
            | VirtioBlkDevice.STATUS_FEATURES_OK | VirtioBlkDevice.STATUS_DRIVER_OK;
    private static final long VERSION_1 = VirtqueueLayout.F_VERSION_1;
    private static final int SECTORS = 8192;
    private static final long OUTSIDE = 1L << 40;

    @TempDir
    private Path folder;

    private Vireo vireo;
    private MmioVmm vmm;

    private void openDrive(String device, String drive, Notification notification) {
        vireo = Vireo.of(ConfigFactory.parseString("drives.d { " + drive + " }\ndevices.vda { drive = d" + device + " }"));
        vmm = new MmioVmm(vireo.open("vda"), notification);
    }

    /** A disk in memory with these keys in its device's block. */
    private void open(String device, Notification notification) {
        openDrive(device, "driver = ram, size = 4M", notification);
    }

    private void open() {
        open("", Notification.INDEX);
    }

    /** A disk that can be resized. */
    private void openFile() throws IOException {
        Path image = folder.resolve("disk.img");
        Files.write(image, new byte[SECTORS * 512]);
        openDrive("", "driver = file, filename = \"" + image + "\"", Notification.INDEX);
    }

    @AfterEach
    void close() {
        if (vmm != null) {
            vmm.close();
            vmm.device.close();
        }
        if (vireo != null) vireo.close();
    }

    private static void assertServes(MmioDisk disk, long requests) {
        LoadResult result = new VerifyingLoad(disk.transport(), LoadOptions.of(SEED).withDepth(16).withDataBytesMax(16 << 10)
                .withRequestsMax(requests)).run();
        assertTrue(result.clean(), () -> "seed " + SEED + ": " + result.failure() + " " + result.complaints() + " " + result.errors());
        assertNotEquals(0, result.verifiedSectors());
    }

    private static void await(String what, BooleanSupplier condition) {
        long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - giveUp > 0) throw new AssertionError("in vain: " + what);
            Thread.yield();
        }
    }

    /** When this returns the IOThread has taken what it may take, if that is anything. */
    private void letTheDeviceLook() {
        vmm.device.pause();
        vmm.device.resume();
        vmm.device.pause();
        vmm.device.resume();
    }

    private boolean needsReset() {
        return (vmm.get(STATUS) & VirtioBlkDevice.STATUS_DEVICE_NEEDS_RESET) != 0;
    }

    private void assertResetHelps() {
        vmm.put(STATUS, 0);
        assertEquals(0, vmm.get(STATUS));
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD)) {
            assertServes(disk, 200);
        }
    }

    @ParameterizedTest
    @CsvSource({"EVENTFD, false", "EVENTFD, true", "REGISTER, false", "REGISTER, true"})
    @Tag("virtio-1.3-4.2.3.1")
    @Tag("virtio-1.3-4.2.3.2")
    @Tag("virtio-1.3-4.2.3.3/index")
    void servesADriverThatComesUpAsTheSpecificationSays(Kick kick, boolean packed) {
        open(", num-queues = 3, packed = " + packed, Notification.INDEX);
        try (MmioDisk disk = vmm.bringUp(kick)) {
            assertEquals(packed, (disk.features() & VirtqueueLayout.F_RING_PACKED) != 0);
            assertEquals(STATUS_ALL, vmm.get(STATUS));
            assertServes(disk, 3000);
        }
        try (MmioDisk again = vmm.bringUp(kick)) {
            assertServes(again, 500);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Tag("virtio-1.3-4.2.3.3/data")
    void carriesTheFeaturesAboutRingsThatFewVmmsDo(boolean packed) {
        open(", num-queues = 2, in_order = on, queue_reset = on, packed = " + packed, Notification.DATA);
        try (MmioDisk disk = vmm.bringUp(Kick.REGISTER)) {
            long rare = VirtqueueLayout.F_IN_ORDER | VirtqueueLayout.F_NOTIFICATION_DATA | VirtqueueLayout.F_RING_RESET;
            assertEquals(rare, disk.features() & rare);
            assertServes(disk, 2000);
        }
    }

    @Test
    @Tag("virtio-1.3-4.2.3.3/data")
    void offersNotificationDataToNobodyWhoseVmmDidNotAskForIt() {
        open();
        vmm.put(DEVICE_FEATURES_SEL, 1);
        assertEquals(0, vmm.get(DEVICE_FEATURES) & VirtqueueLayout.F_NOTIFICATION_DATA >>> 32);
        vmm.acceptFeatures(VERSION_1 | VirtqueueLayout.F_NOTIFICATION_DATA);
        assertEquals(0, vmm.get(STATUS) & VirtioBlkDevice.STATUS_FEATURES_OK);
    }

    @Test
    void erasesForGoodAndTellsItsWear() {
        openDrive("", "driver = null-co, size = 4M, secure-erase = on, lifetime { pre-eol-info = 1, type-a = 2 }",
                Notification.INDEX);
        long rare = BlkLayout.F_SECURE_ERASE | BlkLayout.F_LIFETIME;
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD)) {
            assertEquals(rare, disk.features() & rare);
            BlkQueue queue = new BlkQueue(vmm.memory, disk.transport().queues().getFirst(), 1, 4096);
            assertEquals(BlkLayout.S_OK, send(queue, BlkLayout.T_GET_LIFETIME, 0, BlkLayout.LIFETIME_BYTES, true));
            assertEquals(2, Memory.getU16(queue.dataAddress(0) + 2));
            Memory.fill(queue.dataAddress(0), 16, 0);
            Memory.putInt(queue.dataAddress(0) + 8, 8); // eight sectors from sector 0 on
            assertEquals(BlkLayout.S_OK, send(queue, BlkLayout.T_SECURE_ERASE, 0, 16, false));
            Memory.putInt(queue.dataAddress(0) + 8, SECTORS + 1);
            assertEquals(BlkLayout.S_IOERR, send(queue, BlkLayout.T_SECURE_ERASE, 0, 16, false));
        }
    }

    @Test
    void reportsItsZones() {
        openDrive("", "driver = ram, size = 4M, zoned { model = host-managed, zone-size = 1M }", Notification.INDEX);
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD)) {
            assertNotEquals(0, disk.features() & BlkLayout.F_ZONED);
            BlkQueue queue = new BlkQueue(vmm.memory, disk.transport().queues().getFirst(), 1, 4096);
            assertEquals(BlkLayout.S_OK, send(queue, BlkLayout.T_ZONE_REPORT, 0, 4096, true));
            assertEquals(4, Memory.getLong(queue.dataAddress(0)), "zones of 1 MiB");
            assertEquals(BlkLayout.S_ZONE_UNALIGNED_WP, send(queue, BlkLayout.T_OUT, 8, 512, false));
        }
    }

    private static int send(BlkQueue queue, int type, long sector, int bytes, boolean deviceWrites) {
        assertTrue(queue.start(0, type, sector, bytes, deviceWrites));
        queue.submit();
        await("a used element", () -> queue.pendingUsed() > 0);
        assertEquals(0, queue.reap());
        return queue.status(0);
    }

    @Test
    @Tag("virtio-1.3-4.2.2.1/magic")
    @Tag("virtio-1.3-4.2.2.1/version")
    @Tag("virtio-1.3-4.2.2/device-id")
    @Tag("virtio-1.3-4.2.2/queue-num-max")
    @Tag("virtio-1.3-4.2.2/shared-memory")
    void showsItsRegisters() {
        open(", num-queues = 2, queue-size = 128", Notification.INDEX);
        assertEquals(0x74726976, vmm.get(MAGIC_VALUE));
        assertEquals(2, vmm.get(VERSION));
        assertEquals(2, vmm.get(DEVICE_ID));
        for (int queue = 0; queue < 4; queue++) {
            vmm.put(QUEUE_SEL, queue);
            assertEquals(queue < 2 ? 128 : 0, vmm.get(QUEUE_NUM_MAX));
            assertEquals(0, vmm.get(QUEUE_READY));
        }
        vmm.put(QUEUE_SEL, 0xFFFF_FFFFL);
        assertEquals(0, vmm.get(QUEUE_NUM_MAX));
        vmm.put(SHM_SEL, 0);
        assertEquals(0xFFFF_FFFFL, vmm.get(SHM_LEN_LOW));
        assertEquals(0xFFFF_FFFFL, vmm.get(SHM_LEN_HIGH));
        assertEquals(0xFFFF_FFFFL, vmm.get(SHM_BASE_LOW));
        assertEquals(0xFFFF_FFFFL, vmm.get(SHM_BASE_HIGH));
    }

    @Test
    @Tag("virtio-1.3-4.2.2/features")
    void showsFeaturesInTwoWords() {
        open();
        long offered = vmm.device.offeredFeatures();
        vmm.put(DEVICE_FEATURES_SEL, 1);
        assertEquals(offered >>> 32, vmm.get(DEVICE_FEATURES));
        vmm.put(DEVICE_FEATURES_SEL, 0);
        assertEquals(offered & 0xFFFF_FFFFL, vmm.get(DEVICE_FEATURES));
        vmm.put(DEVICE_FEATURES_SEL, 2);
        assertEquals(0, vmm.get(DEVICE_FEATURES));
    }

    @Test
    @Tag("virtio-1.3-4.2.2.1/interrupt-status")
    @Tag("virtio-1.3-4.2.3.4/used-buffer")
    void saysWhatAnInterruptIsForBeforeItInterrupts() {
        open();
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD);
                Epoll epoll = Epoll.create(1);
                Fd interrupt = Fd.duplicateOf(vmm.interruptFd());
                NativeBlock count = NativeBlock.allocate(8, 8)) {
            EventFd call = EventFd.owning(interrupt);
            epoll.add(interrupt, Epoll.EPOLLIN, 0);
            DriverQueue driven = disk.transport().queues().getFirst();
            BlkQueue queue = new BlkQueue(vmm.memory, driven, 1, 4096);
            for (int i = 0; i < 2000; i++) {
                driven.virtqueue().armCall();
                assertEquals(0, vmm.get(INTERRUPT_STATUS));
                assertTrue(queue.start(0, BlkLayout.T_IN, 0, 512, true));
                queue.submit();
                assertEquals(1, epoll.await(TimeUnit.SECONDS.toNanos(30)), "no interrupt");
                assertTrue(call.clear(count.address()));
                assertEquals(INTERRUPT_USED_BUFFER, vmm.get(INTERRUPT_STATUS));
                vmm.put(INTERRUPT_ACK, INTERRUPT_CONFIG_CHANGE);
                assertEquals(INTERRUPT_USED_BUFFER, vmm.get(INTERRUPT_STATUS), "another was acknowledged");
                vmm.put(INTERRUPT_ACK, INTERRUPT_USED_BUFFER);
                assertEquals(0, queue.reap());
            }
        }
    }

    @Test
    @Tag("virtio-1.3-4.2.3.4/config-change")
    @Tag("virtio-1.3-4.2.2.1/config-generation")
    void interruptsForAnotherSizeAndChangesTheGeneration() throws IOException {
        openFile();
        try (MmioDisk _ = vmm.bringUp(Kick.EVENTFD)) {
            long generation = vmm.get(CONFIG_GENERATION);
            assertEquals(SECTORS, vmm.read(CONFIG, 4));
            vmm.device.resize(2L * SECTORS * 512, false);
            await("a configuration change", () -> vmm.get(INTERRUPT_STATUS) == INTERRUPT_CONFIG_CHANGE);
            assertNotEquals(generation, vmm.get(CONFIG_GENERATION));
            assertEquals(2L * SECTORS, vmm.read(CONFIG, 4));
            assertEquals(0, vmm.read(CONFIG + 4, 4));
            vmm.put(INTERRUPT_ACK, INTERRUPT_CONFIG_CHANGE);
            assertEquals(0, vmm.get(INTERRUPT_STATUS));
        }
    }

    @Test
    @Tag("virtio-1.3-4.2.2.1/reset")
    void forgetsInterruptsQueuesAndStatusAtAReset() throws IOException {
        openFile();
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD)) {
            BlkQueue queue = new BlkQueue(vmm.memory, disk.transport().queues().getFirst(), 1, 4096);
            disk.transport().queues().getFirst().virtqueue().armCall();
            assertEquals(BlkLayout.S_OK, send(queue, BlkLayout.T_IN, 0, 512, true));
            await("an interrupt", () -> vmm.get(INTERRUPT_STATUS) == INTERRUPT_USED_BUFFER);
            vmm.put(QUEUE_SEL, 0);
            assertEquals(1, vmm.get(QUEUE_READY));
            vmm.put(STATUS, 0);
            assertEquals(0, vmm.get(STATUS));
            assertEquals(0, vmm.get(INTERRUPT_STATUS));
            assertEquals(0, vmm.get(QUEUE_READY));
            assertEquals(0, vmm.get(QUEUE_RESET));
            vmm.device.resize(2L * SECTORS * 512, false);
            letTheDeviceLook();
            assertEquals(0, vmm.get(INTERRUPT_STATUS), "interrupted without DRIVER_OK");
        }
    }

    /** A queue with one read published and kicked, and not yet ready. */
    private BlkQueue publishedRead() {
        DriverVirtqueue ring = DriverVirtqueue.of(vmm.memory, MmioVmm.QUEUE_SIZE, VERSION_1, 4);
        EventFd kick = EventFd.owning(Fd.duplicateOf(vmm.kickFd(0)));
        BlkQueue queue = new BlkQueue(vmm.memory, new DriverQueue(ring, kick, kick), 1, 4096);
        vmm.setUpQueue(0, MmioVmm.QUEUE_SIZE, ring.descriptorGpa(), ring.driverGpa(), ring.deviceGpa());
        assertTrue(queue.start(0, BlkLayout.T_IN, 0, 512, true));
        queue.submit();
        vmm.put(QUEUE_NOTIFY, 0);
        return queue;
    }

    @Test
    @Tag("virtio-1.3-2.1.2/before-driver-ok")
    void takesNothingBeforeDriverOk() {
        open();
        vmm.acceptFeatures(VERSION_1);
        BlkQueue queue = publishedRead();
        vmm.put(QUEUE_READY, 1);
        vmm.put(QUEUE_NOTIFY, 0);
        letTheDeviceLook();
        assertEquals(0, queue.pendingUsed());
        assertEquals(0, vmm.get(INTERRUPT_STATUS));
        vmm.status(VirtioBlkDevice.STATUS_DRIVER_OK);
        await("the read", () -> queue.pendingUsed() == 1);
    }

    @Test
    @Tag("virtio-1.3-4.2.2.1/not-ready")
    void leavesAQueueAloneThatIsNotReady() {
        open();
        vmm.acceptFeatures(VERSION_1);
        BlkQueue queue = publishedRead();
        vmm.status(VirtioBlkDevice.STATUS_DRIVER_OK);
        vmm.put(QUEUE_NOTIFY, 0);
        letTheDeviceLook();
        assertEquals(0, queue.pendingUsed());
        vmm.put(QUEUE_READY, 1);
        await("the read", () -> queue.pendingUsed() == 1);
        vmm.put(QUEUE_READY, 0);
        assertEquals(0, vmm.get(QUEUE_READY));
        assertEquals(0, queue.reap());
        assertTrue(queue.start(0, BlkLayout.T_IN, 0, 512, true));
        queue.submit();
        vmm.put(QUEUE_NOTIFY, 0);
        letTheDeviceLook();
        assertEquals(0, queue.pendingUsed());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Tag("virtio-1.3-4.2.2.1/queue-reset")
    @Tag("virtio-1.3-2.6.1")
    void resetsOneQueueAndServesTheOther(boolean packed) {
        open(", num-queues = 2, queue_reset = on, packed = " + packed, Notification.INDEX);
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD)) {
            assertServes(disk, 501);
            disk.resetQueue(1);
            vmm.put(QUEUE_SEL, 1);
            assertEquals(0, vmm.get(QUEUE_RESET));
            assertEquals(1, vmm.get(QUEUE_READY));
            assertServes(disk, 500);
        }
    }

    @Test
    @Tag("virtio-1.3-4.2.2.1/queue-reset")
    void resetsNoQueueOfADriverThatDidNotAcceptThat() {
        open();
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD)) {
            vmm.put(QUEUE_SEL, 0);
            vmm.put(QUEUE_RESET, 1);
            assertEquals(1, vmm.get(QUEUE_READY));
            assertServes(disk, 200);
        }
    }

    @Test
    @Tag("virtio-1.3-2.2.2/features-ok")
    void doesNotLetFeaturesOkStickForWhatItDidNotOffer() {
        open();
        vmm.acceptFeatures(VERSION_1 | 1L << 63);
        assertEquals(0, vmm.get(STATUS) & VirtioBlkDevice.STATUS_FEATURES_OK);
        vmm.acceptFeatures(0);
        assertEquals(0, vmm.get(STATUS) & VirtioBlkDevice.STATUS_FEATURES_OK, "without VERSION_1");
        vmm.acceptFeatures(VERSION_1);
        assertNotEquals(0, vmm.get(STATUS) & VirtioBlkDevice.STATUS_FEATURES_OK);
        vmm.put(DRIVER_FEATURES_SEL, 0);
        vmm.put(DRIVER_FEATURES, VirtqueueLayout.RING_F_INDIRECT_DESC);
        vmm.status(VirtioBlkDevice.STATUS_FEATURES_OK);
        assertResetHelps();
    }

    @Test
    @Tag("virtio-1.3-2.1.2/needs-reset")
    void needsAResetAfterDriverOkWithoutFeaturesOk() {
        open();
        vmm.status(VirtioBlkDevice.STATUS_DRIVER_OK);
        assertTrue(needsReset());
        assertEquals(0, vmm.get(INTERRUPT_STATUS));
        assertResetHelps();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 1024, 65536})
    @Tag("virtio-1.3-2.1.2/needs-reset")
    void needsAResetAfterAQueueOfAWrongSize(int size) {
        open();
        vmm.acceptFeatures(VERSION_1);
        DriverVirtqueue ring = DriverVirtqueue.of(vmm.memory, MmioVmm.QUEUE_SIZE, VERSION_1, 4);
        vmm.setUpQueue(0, size, ring.descriptorGpa(), ring.driverGpa(), ring.deviceGpa());
        vmm.put(QUEUE_READY, 1);
        vmm.status(VirtioBlkDevice.STATUS_DRIVER_OK);
        assertTrue(needsReset());
        assertEquals(INTERRUPT_CONFIG_CHANGE, vmm.get(INTERRUPT_STATUS));
        assertResetHelps();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    @Tag("virtio-1.3-2.1.2/needs-reset")
    void needsAResetAfterAQueueThatIsNotInMemory(int wrong) {
        open();
        vmm.acceptFeatures(VERSION_1);
        vmm.status(VirtioBlkDevice.STATUS_DRIVER_OK);
        DriverVirtqueue ring = DriverVirtqueue.of(vmm.memory, MmioVmm.QUEUE_SIZE, VERSION_1, 4);
        vmm.setUpQueue(0, MmioVmm.QUEUE_SIZE, wrong == 0 ? OUTSIDE : wrong == 3 ? -16 : ring.descriptorGpa(),
                wrong == 1 ? OUTSIDE : ring.driverGpa(), wrong == 2 ? OUTSIDE : wrong == 4 ? ring.deviceGpa() + 1 : ring.deviceGpa());
        vmm.put(QUEUE_READY, 1);
        assertTrue(needsReset());
        assertEquals(INTERRUPT_CONFIG_CHANGE, vmm.get(INTERRUPT_STATUS));
        assertResetHelps();
    }

    @Test
    @Tag("virtio-1.3-2.1.2/needs-reset")
    void needsAResetAfterItsDriverBrokeAQueue() {
        open();
        vmm.acceptFeatures(VERSION_1);
        publishedRead();
        DriverVirtqueue ring = DriverVirtqueue.of(vmm.memory, MmioVmm.QUEUE_SIZE, VERSION_1, 4);
        vmm.setUpQueue(0, MmioVmm.QUEUE_SIZE, ring.descriptorGpa(), ring.driverGpa(), ring.deviceGpa());
        Memory.putU16Release(ring.driverAddress() + VirtqueueLayout.AVAIL_IDX, 5000);
        vmm.put(QUEUE_READY, 1);
        vmm.status(VirtioBlkDevice.STATUS_DRIVER_OK);
        await("DEVICE_NEEDS_RESET", this::needsReset);
        await("a configuration change", () -> vmm.get(INTERRUPT_STATUS) == INTERRUPT_CONFIG_CHANGE);
        assertResetHelps();
    }

    @Test
    @Tag("virtio-1.3-4.2.2.2/ready-queue")
    void keepsAReadyQueueAsItIs() {
        open();
        try (MmioDisk disk = vmm.bringUp(Kick.EVENTFD)) {
            vmm.setUpQueue(0, 3, OUTSIDE, OUTSIDE, OUTSIDE);
            vmm.put(QUEUE_READY, 1);
            vmm.put(QUEUE_READY, 2);
            assertEquals(STATUS_ALL, vmm.get(STATUS));
            assertServes(disk, 200);
        }
    }

    @Test
    @Tag("virtio-1.3-4.2.2.2/width")
    @Tag("virtio-1.3-4.2.2.2/direction")
    void ignoresAccessesThatNoRegisterIsFor() {
        open();
        vmm.acceptFeatures(VERSION_1);
        long before = vmm.get(STATUS);
        for (int width : new int[] {1, 2, 8}) {
            assertEquals(0, vmm.read(MAGIC_VALUE, width));
            vmm.write(STATUS, width, 0);
        }
        assertEquals(0, vmm.read(MAGIC_VALUE + 2, 4));
        assertEquals(0, vmm.read(-4, 4));
        assertEquals(0, vmm.read(DRIVER_FEATURES, 4), "write-only");
        assertEquals(0, vmm.read(0x0d0, 4), "reserved");
        assertEquals(0, vmm.read(Integer.MAX_VALUE, 4));
        vmm.write(MAGIC_VALUE, 4, 0);
        vmm.write(QUEUE_NUM_MAX, 4, 1);
        vmm.write(Integer.MAX_VALUE, 4, 1);
        vmm.write(QUEUE_NOTIFY, 4, 77);
        assertEquals(0x74726976, vmm.get(MAGIC_VALUE));
        assertEquals(before, vmm.get(STATUS));
    }

    @Test
    @Tag("virtio-1.3-4.2.2/config")
    void givesItsConfigurationSpaceInPiecesOfAnyWidth() {
        open(", num-queues = 3", Notification.INDEX);
        assertEquals(SECTORS, vmm.read(CONFIG, 8));
        assertEquals(SECTORS >>> 8, vmm.read(CONFIG + 1, 1));
        assertEquals(3, vmm.read(CONFIG + BlkLayout.CONFIG_NUM_QUEUES, 2));
        assertEquals(0, vmm.read(CONFIG + 0x800, 4), "behind its end");
        assertEquals(1, vmm.read(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1));
        vmm.write(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1, 0);
        assertEquals(1, vmm.read(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1), "before FEATURES_OK");
        vmm.acceptFeatures(VERSION_1 | BlkLayout.F_FLUSH | BlkLayout.F_CONFIG_WCE);
        vmm.write(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1, 0);
        assertEquals(0, vmm.read(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1));
        vmm.write(CONFIG, 4, 1);
        vmm.write(CONFIG + BlkLayout.CONFIG_WRITEBACK, 4, 1);
        assertEquals(SECTORS, vmm.read(CONFIG, 4));
        assertEquals(0, vmm.read(CONFIG + BlkLayout.CONFIG_WRITEBACK, 1));
    }

    @Test
    void tellsADriverOfAnotherDeviceNothing() {
        open();
        assertThrows(FrontendException.class, () -> MmioDisk.attach(vmm, vmm.memory,
                MmioDisk.Options.of(1, MmioVmm.QUEUE_SIZE, Kick.EVENTFD).withoutFeatures(VERSION_1)));
        assertThrows(FrontendException.class,
                () -> MmioDisk.attach(vmm, vmm.memory, MmioDisk.Options.of(2, MmioVmm.QUEUE_SIZE, Kick.EVENTFD)));
    }

    @Test
    void survivesWhateverIsDoneToItsRegisters() {
        open(", num-queues = 2, queue_reset = on", Notification.DATA);
        SplittableRandom random = new SplittableRandom(SEED);
        int[] statuses = {0, 1, 3, 11, 15, 4, 8, 64, 128, 255};
        for (int i = 0; i < 20_000; i++) {
            int offset = random.nextInt(0x130) & (random.nextInt(8) == 0 ? -1 : ~3);
            int width = random.nextInt(8) == 0 ? 1 << random.nextInt(4) : 4;
            long value = switch (random.nextInt(4)) {
                case 0 -> random.nextInt(4);
                case 1 -> vmm.memory.regions().getFirst().gpa() + random.nextInt(1 << 20);
                case 2 -> 1L << random.nextInt(64);
                default -> random.nextLong();
            };
            if (offset == STATUS) value = statuses[random.nextInt(random.nextInt(20) == 0 ? 1 : statuses.length)];
            if (random.nextBoolean()) vmm.write(offset, width, value);
            else vmm.read(offset, width);
        }
        vmm.put(STATUS, 0);
        try (MmioDisk disk = vmm.bringUp(Kick.REGISTER)) {
            assertServes(disk, 500);
        }
    }

    @Test
    @SuppressWarnings("try") // closed early, on purpose
    void isDeafWhenItIsClosed() {
        open();
        try (MmioDisk _ = vmm.bringUp(Kick.EVENTFD)) {
            vmm.mmio.close();
            assertEquals(0, vmm.get(MAGIC_VALUE));
            vmm.put(QUEUE_NOTIFY, 0);
            vmm.put(STATUS, 1);
            assertEquals(0, vmm.device.status());
        }
    }
}
