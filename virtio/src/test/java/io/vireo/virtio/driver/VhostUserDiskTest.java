package io.vireo.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.virtio.driver.BytewiseBackend.Message;
import io.vireo.virtio.driver.FrontendException.Fault;
import io.vireo.virtio.driver.VhostUserDisk.MemoryMessages;
import io.vireo.virtio.driver.VhostUserDisk.Options;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class VhostUserDiskTest {
    private static final long FLUSH = 1 << 9;
    private static final long SEG_MAX = 1 << 2;
    private static final long EVENT_IDX = 1 << 29;
    private static final long PROTOCOL = 1 << 30;
    private static final long VERSION_1 = 1L << 32;
    private static final long PACKED = 1L << 34;
    /** MQ, REPLY_ACK, CONFIG, CONFIGURE_MEM_SLOTS. */
    private static final long PROTOCOL_FEATURES = 1 | 1 << 3 | 1 << 9 | 1 << 15;
    private static final int SECTORS = 4096;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    @TempDir
    private Path folder;

    private Path path;

    @BeforeEach
    void name() {
        path = folder.resolve("disk.sock");
    }

    @Test
    void attachingSaysEverythingARingNeedsBeforeItIsEnabled() {
        try (BytewiseBackend backend = new BytewiseBackend(path, VhostUserDiskTest::answer);
                DriverMemory memory = DriverMemory.create(4 << 20, 2 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(path, memory, Options.defaults().withQueues(2, 64))) {
            assertEquals(FLUSH | SEG_MAX | EVENT_IDX | VERSION_1, disk.features());
            assertEquals(SECTORS, disk.facts().capacitySectors());
            assertEquals(126, disk.facts().segmentsMax());
            assertEquals(ProcessHandle.current().pid(), disk.frontend().peer().pid());
            assertEquals(List.of(1, 15, 16, 17, 3, 2, 24, 5, 8, 10, 9, 12, 13, 14, 18, 8, 10, 9, 12, 13, 14, 18),
                    backend.requests());
            assertEquals(1 | 1 << 3 | 1 << 9, backend.only(16).i64(0));
            assertEquals(FLUSH | SEG_MAX | EVENT_IDX | VERSION_1 | PROTOCOL, backend.only(2).i64(0));
            DriverVirtqueue second = disk.transport().queues().get(1).virtqueue();
            Message addresses = backend.messages.stream().filter(message -> message.request() == 9).toList().get(1);
            assertEquals(1, addresses.i32(0));
            assertEquals(second.descriptorAddress(), addresses.i64(8));
            assertEquals(second.deviceAddress(), addresses.i64(16));
            assertEquals(second.driverAddress(), addresses.i64(24));
        }
    }

    @Test
    void theMemoryTableLeadsToTheSameBytes() {
        try (BytewiseBackend backend = new BytewiseBackend(path, VhostUserDiskTest::answer);
                DriverMemory memory = DriverMemory.create(4 << 20, 2 << 20);
                VhostUserDisk _ = VhostUserDisk.attach(path, memory, Options.defaults())) {
            assertSameMemory(memory, backend.only(5), 8);
            assertEquals(2, backend.only(5).i32(0));
        }
    }

    @Test
    void memoryMayBeToldSlotBySlot() {
        Options options = Options.defaults().withMemory(MemoryMessages.SLOTS);
        try (BytewiseBackend backend = new BytewiseBackend(path, VhostUserDiskTest::answer);
                DriverMemory memory = DriverMemory.create(4 << 20);
                VhostUserDisk _ = VhostUserDisk.attach(path, memory, options)) {
            assertFalse(backend.requests().contains(5));
            assertSameMemory(memory, backend.only(37), 8);
            assertEquals(PROTOCOL_FEATURES, backend.only(16).i64(0));
        }
    }

    @Test
    void aLoadGoesOnWhereItWasWithAnotherBackend() {
        try (DriverMemory memory = DriverMemory.create(16 << 20)) {
            FaultyDisk store = new FaultyDisk(SECTORS, FaultyDisk.Fault.NONE, SEED);
            BytewiseBackend backend = new BytewiseBackend(path, VhostUserDiskTest::answer);
            VhostUserDisk disk = VhostUserDisk.attach(path, memory, Options.defaults());
            LoadOptions options = LoadOptions.of(SEED).withRequestsMax(2000);
            VerifyingLoad load = new VerifyingLoad(disk.transport(), options);
            for (int round = 0; round < 3; round++) {
                DriverQueue queue = disk.transport().queues().getFirst();
                Message base = backend.messages.stream().filter(message -> message.request() == 10).toList().getLast();
                BytewiseDevice device = new BytewiseDevice(memory, queue, true, store, SEED).startAt(base.i32(4)).start();
                LoadResult result = load.run();
                device.stop();
                assertTrue(result.clean(), () -> "seed " + SEED + ": " + result);
                backend.close();
                Path next = path.resolveSibling("disk" + round + ".sock");
                backend = new BytewiseBackend(next, VhostUserDiskTest::answer);
                disk.reattach(next);
                assertEquals(queue.virtqueue().resumeBase(), backend.only(10).i32(4));
            }
            disk.close();
            backend.close();
        }
    }

    @Test
    void stoppingAnswersEachRingsBase() {
        try (BytewiseBackend backend = new BytewiseBackend(path, VhostUserDiskTest::answer);
                DriverMemory memory = DriverMemory.create(4 << 20);
                VhostUserDisk disk = VhostUserDisk.attach(path, memory, Options.defaults().withQueues(2, 64))) {
            assertArrayEquals(new int[] {70, 71}, disk.stop());
            disk.start();
            assertEquals(18, backend.requests().getLast());
        }
    }

    @Test
    void aRefusalIsReportedWithTheMessagesName() {
        try (BytewiseBackend _ = new BytewiseBackend(path, message -> message.request() == 9 ? u64(1) : answer(message));
                DriverMemory memory = DriverMemory.create(4 << 20)) {
            FrontendException refused = assertThrows(
                    FrontendException.class, () -> VhostUserDisk.attach(path, memory, Options.defaults()));
            assertEquals(Fault.REFUSED, refused.fault());
            assertEquals("SET_VRING_ADDR was answered with 1", refused.getMessage());
        }
    }

    @Test
    void fewerQueuesThanNeededAreNotEnough() {
        try (BytewiseBackend _ = new BytewiseBackend(path, VhostUserDiskTest::answer);
                DriverMemory memory = DriverMemory.create(4 << 20)) {
            FrontendException few = assertThrows(FrontendException.class,
                    () -> VhostUserDisk.attach(path, memory, Options.defaults().withQueues(5, 64)));
            assertEquals(Fault.NOT_OFFERED, few.fault());
        }
    }

    @Test
    void aSilentBackendIsNotWaitedForForEver() {
        try (BytewiseBackend _ = new BytewiseBackend(path, _ -> null);
                VhostUserFrontend frontend = VhostUserFrontend.connect(path, 100_000_000)) {
            FrontendException late = assertThrows(FrontendException.class, frontend::getFeatures);
            assertEquals(Fault.TIMEOUT, late.fault());
        }
    }

    @Test
    void aBackendThatHangsUpIsNoticed() {
        try (BytewiseBackend backend = new BytewiseBackend(path, VhostUserDiskTest::answer);
                VhostUserFrontend frontend = VhostUserFrontend.connect(path, 5_000_000_000L)) {
            frontend.getFeatures();
            backend.drop();
            assertTrue(frontend.isClosedByBackend());
            FrontendException gone = assertThrows(FrontendException.class, frontend::getFeatures);
            assertEquals(Fault.CLOSED, gone.fault());
        }
    }

    @Test
    void anAnswerToAnotherQuestionIsWrong() {
        try (BytewiseBackend _ = new BytewiseBackend(path, message -> message.request() == 3 ? u64(0) : answer(message));
                VhostUserFrontend frontend = VhostUserFrontend.connect(path, 5_000_000_000L)) {
            frontend.setOwner(); // not acknowledged yet, so that its answer is taken for the next one's
            FrontendException wrong = assertThrows(FrontendException.class, frontend::getFeatures);
            assertEquals(Fault.WRONG_REPLY, wrong.fault());
        }
    }

    private static void assertSameMemory(DriverMemory memory, Message message, int at) {
        List<DriverMemory.Region> regions = memory.regions();
        assertEquals(regions.size(), message.fds().size());
        for (int i = 0; i < regions.size(); i++) {
            DriverMemory.Region region = regions.get(i);
            assertEquals(region.gpa(), message.i64(at + 32 * i));
            assertEquals(region.sizeBytes(), message.i64(at + 32 * i + 8));
            assertEquals(region.userAddress(), message.i64(at + 32 * i + 16));
            long offset = message.i64(at + 32 * i + 24);
            try (Mapping seen = Mapping.shared(message.fds().get(i), offset, region.sizeBytes(), true)) {
                Memory.putLong(region.userAddress() + region.sizeBytes() - 8, SEED + i);
                assertEquals(SEED + i, Memory.getLong(seen.address() + region.sizeBytes() - 8));
            }
        }
    }

    private static byte[] answer(Message message) {
        return switch (message.request()) {
            case 1 -> u64(FLUSH | SEG_MAX | EVENT_IDX | PROTOCOL | VERSION_1 | PACKED);
            case 15 -> u64(PROTOCOL_FEATURES);
            case 17 -> u64(4);
            case 11 -> ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(message.i32(0))
                    .putInt(70 + message.i32(0)).array();
            case 24 -> {
                byte[] config = message.payload().clone();
                ByteBuffer bytes = ByteBuffer.wrap(config).order(ByteOrder.LITTLE_ENDIAN);
                bytes.putLong(12, SECTORS);
                bytes.putInt(12 + 12, 126);
                yield config;
            }
            default -> null;
        };
    }

    private static byte[] u64(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    }
}
