package io.vireo.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.EventFd;
import io.vireo.posix.Memory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the bytes of virtio 1.3, 2.7, written here as numbers. */
@Timeout(30)
class DriverVirtqueueTest {
    private static final long EVENT_IDX = 1 << 29;
    private static final long INDIRECT = 1 << 28;
    private static final long IN_ORDER = 1L << 35;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    private final DriverMemory memory = DriverMemory.create(8 << 20, 4 << 20);

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void partsAreAlignedAndDoNotOverlap() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, EVENT_IDX, 4);
        assertEquals(0, queue.descriptorGpa() % 16);
        assertEquals(0, queue.driverGpa() % 2);
        assertEquals(0, queue.deviceGpa() % 4);
        long[][] parts = {{queue.descriptorGpa(), 128}, {queue.driverGpa(), 22}, {queue.deviceGpa(), 70}};
        for (long[] one : parts)
            for (long[] other : parts)
                assertTrue(one == other || one[0] + one[1] <= other[0] || other[0] + other[1] <= one[0]);
    }

    @Test
    void aChainIsLinkedThroughTheTable() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        commit(queue, 7, 2, 1);
        long desc = queue.descriptorAddress();
        int head = Memory.getU16(queue.driverAddress() + 4);
        long first = desc + 16L * head;
        long second = desc + 16L * Memory.getU16(first + 14);
        long third = desc + 16L * Memory.getU16(second + 14);
        assertEquals(0x1000, Memory.getLong(first));
        assertEquals(100, Memory.getInt(first + 8));
        assertEquals(1, Memory.getU16(first + 12));
        assertEquals(0x2000, Memory.getLong(second));
        assertEquals(1, Memory.getU16(second + 12));
        assertEquals(0x3000, Memory.getLong(third));
        assertEquals(102, Memory.getInt(third + 8));
        assertEquals(2, Memory.getU16(third + 12));
        assertEquals(3, Set.of(first, second, third).size());
        assertEquals(5, queue.freeDescriptors());
    }

    @Test
    void anIndirectChainTakesOneDescriptor() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, INDIRECT, 4);
        commit(queue, 7, 1, 2);
        long at = queue.descriptorAddress() + 16L * Memory.getU16(queue.driverAddress() + 4);
        assertEquals(4, Memory.getU16(at + 12));
        assertEquals(48, Memory.getInt(at + 8));
        long table = memory.address(Memory.getLong(at));
        assertEquals(0x1000, Memory.getLong(table));
        assertEquals(1, Memory.getU16(table + 12));
        assertEquals(1, Memory.getU16(table + 14));
        assertEquals(3, Memory.getU16(table + 16 + 12));
        assertEquals(2, Memory.getU16(table + 16 + 14));
        assertEquals(2, Memory.getU16(table + 32 + 12));
        assertEquals(7, queue.freeDescriptors());
    }

    @Test
    void nothingIsVisibleBeforeItIsPublished() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        commit(queue, 0, 1, 0);
        commit(queue, 1, 1, 0);
        assertEquals(0, Memory.getU16(queue.driverAddress() + 2));
        assertTrue(queue.hasUnpublished());
        queue.publish();
        assertEquals(2, Memory.getU16(queue.driverAddress() + 2));
        assertFalse(queue.hasUnpublished());
    }

    @Test
    void aFullTableRefusesAndChangesNothing() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        for (int i = 0; i < 2; i++) assertTrue(commit(queue, i, 3, 0));
        assertFalse(commit(queue, 2, 3, 0));
        assertEquals(2, queue.freeDescriptors());
        assertTrue(commit(queue, 2, 2, 0));
        assertEquals(0, queue.freeDescriptors());
        assertEquals(3, queue.inFlight());
    }

    @Test
    void withoutEventIdxTheFlagDecidesOnTheKick() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        publish(queue, 0);
        assertTrue(queue.kickNeeded());
        assertFalse(queue.kickNeeded()); // asked once already
        Memory.putU16(queue.deviceAddress(), 1);
        publish(queue, 1);
        assertFalse(queue.kickNeeded());
        Memory.putU16(queue.deviceAddress(), 0);
        publish(queue, 2);
        assertTrue(queue.kickNeeded());
    }

    @Test
    void withEventIdxTheEventDecidesOnTheKick() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, EVENT_IDX, 4);
        long availEvent = queue.deviceAddress() + 4 + 8 * 8;
        Memory.putU16(availEvent, 1);
        publish(queue, 0);
        assertFalse(queue.kickNeeded());
        publish(queue, 1);
        assertTrue(queue.kickNeeded());
        Memory.putU16(availEvent, 3);
        commit(queue, 2, 1, 0);
        commit(queue, 3, 1, 0);
        publish(queue, 4);
        assertTrue(queue.kickNeeded());
        publish(queue, 5);
        assertFalse(queue.kickNeeded());
    }

    @Test
    void theEventIsComparedAcrossTheWrap() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, EVENT_IDX, 4);
        queue.reset(0xFFFF);
        Memory.putU16(queue.deviceAddress() + 4 + 8 * 8, 0xFFFF);
        publish(queue, 0);
        assertEquals(0, Memory.getU16(queue.driverAddress() + 2));
        assertTrue(queue.kickNeeded());
        Memory.putU16(queue.deviceAddress() + 4 + 8 * 8, 1);
        publish(queue, 1);
        assertFalse(queue.kickNeeded());
    }

    @Test
    void armingACallAsksForTheNextElement() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, EVENT_IDX, 4);
        queue.reset(5);
        long usedEvent = queue.driverAddress() + 4 + 2 * 8;
        assertFalse(queue.armCall());
        assertEquals(5, Memory.getU16(usedEvent));
        queue.suppressCalls();
        assertEquals(4, Memory.getU16(usedEvent));
        assertEquals(0, Memory.getU16(queue.driverAddress()));
        publish(queue, 0);
        use(queue, Memory.getU16(queue.driverAddress() + 4 + 2 * 5), 0);
        assertTrue(queue.armCall());
    }

    @Test
    void withoutEventIdxCallsAreSuppressedByTheFlag() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        queue.suppressCalls();
        assertEquals(1, Memory.getU16(queue.driverAddress()));
        assertFalse(queue.armCall());
        assertEquals(0, Memory.getU16(queue.driverAddress()));
    }

    @Test
    void aHeadThatWasNotGivenIsAFault() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        publish(queue, 0);
        int head = Memory.getU16(queue.driverAddress() + 4);
        use(queue, (head + 1) % 8, 0);
        assertThrows(DeviceFault.class, queue::reap);
    }

    @Test
    void aHeadOutsideTheTableIsAFault() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        publish(queue, 0);
        use(queue, 0x10000, 0);
        assertThrows(DeviceFault.class, queue::reap);
    }

    @Test
    void aHeadThatIsUsedTwiceIsAFault() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        publish(queue, 0);
        publish(queue, 1);
        int head = Memory.getU16(queue.driverAddress() + 4);
        use(queue, head, 0);
        use(queue, head, 0);
        assertEquals(0, queue.reap());
        assertThrows(DeviceFault.class, queue::reap);
    }

    @Test
    void moreUsedThanGivenIsAFault() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        publish(queue, 0);
        Memory.putU16Release(queue.deviceAddress() + 2, 2);
        assertThrows(DeviceFault.class, queue::pendingUsed);
    }

    @Test
    void aLengthBeyondTheWritableBuffersIsAFault() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 4);
        commit(queue, 0, 1, 1);
        queue.publish();
        int head = Memory.getU16(queue.driverAddress() + 4);
        use(queue, head, 102);
        assertThrows(DeviceFault.class, queue::reap);
    }

    @Test
    void chainsInFlightAreOfferedAgainFromTheUsedIndexOn() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, 0, 1);
        for (int i = 0; i < 4; i++) publish(queue, i);
        List<Integer> heads = new ArrayList<>();
        for (int i = 0; i < 4; i++) heads.add(Memory.getU16(queue.driverAddress() + 4 + 2 * i));
        use(queue, heads.get(3), 0);
        use(queue, heads.get(1), 0);
        assertEquals(3, queue.reap()); // and the other is used, but not yet reaped
        queue.offerAgain();
        assertEquals(2, queue.resumeBase());
        assertEquals(4, Memory.getU16(queue.driverAddress() + 2));
        assertEquals(Set.of(heads.get(0), heads.get(2)), Set.of(
                Memory.getU16(queue.driverAddress() + 4 + 2 * 2), Memory.getU16(queue.driverAddress() + 4 + 2 * 3)));
        assertEquals(1, queue.reap());
        assertEquals(-1, queue.reap());
    }

    @Test
    @Tag("virtio-1.3-2.7.5")
    void inOrderChainsTakeDescriptorsAsTheTableHasThem() {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, IN_ORDER, 3);
        int expected = 0;
        for (int turn = 0; turn < 50; turn++) {
            assertTrue(commit(queue, turn, 2, 1));
            queue.publish();
            int head = Memory.getU16(queue.driverAddress() + 4 + 2L * (turn % 8));
            assertEquals(expected, head);
            for (int i = 0; i < 2; i++) {
                int next = Memory.getU16(queue.descriptorAddress() + 16L * ((head + i) % 8) + 14);
                assertEquals((head + i + 1) % 8, next);
            }
            expected = (expected + 3) % 8;
            if (turn == 0) continue; // two in flight
            use(queue, (head + 5) % 8, 0);
            assertEquals(turn - 1, queue.reap());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1L << 34})
    @Tag("virtio-1.3-2.7.9")
    @Tag("virtio-1.3-2.8.8")
    void useOutOfOrderIsTheDevicesFault(long packed) {
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 8, packed | IN_ORDER, 4);
        publish(queue, 0);
        publish(queue, 1);
        if (packed == 0) {
            use(queue, 1, 0);
        } else {
            Memory.putU16(queue.descriptorAddress() + 12, Memory.getU16(queue.descriptorAddress() + 16 + 12));
            Memory.putU16Release(queue.descriptorAddress() + 14, 0x8080);
        }
        assertThrows(DeviceFault.class, queue::reap);
    }

    @Test
    void anInvalidSizeIsRefused() {
        for (int size : new int[] {0, 1, 3, 65536})
            assertThrows(IllegalArgumentException.class, () -> DriverVirtqueue.of(memory, size, 0, 4));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, INDIRECT, EVENT_IDX, INDIRECT | EVENT_IDX})
    void randomChainsComeBackOnceEachWithTheirTokens(long features) {
        Random random = new Random(SEED);
        DriverVirtqueue queue = DriverVirtqueue.of(memory, 32, features, 8);
        queue.reset(65000);
        try (EventFd kick = EventFd.create(); EventFd call = EventFd.create()) {
            List<Integer> served = new ArrayList<>();
            BytewiseDevice device = new BytewiseDevice(memory, new DriverQueue(queue, kick, call),
                    (features & EVENT_IDX) != 0, (type, sector, out, in) -> {
                        served.add(type);
                        for (int i = 0; i < in.length; i++) in[i] = (byte) (type + i);
                        return 0;
                    }, SEED).startAt(65000);
            long page = memory.allocate(32 * 4096, 4096);
            Set<Integer> out = new HashSet<>();
            Deque<Integer> slots = new ArrayDeque<>();
            for (int i = 0; i < 32; i++) slots.add(i);
            int done = 0;
            for (int round = 0; round < 4000; round++) {
                queue.useIndirect(random.nextBoolean());
                while (!slots.isEmpty() && random.nextInt(8) != 0 && begin(queue, random, slots.peek(), page)) out.add(slots.poll());
                queue.publish();
                queue.kickNeeded();
                device.serve();
                for (int token; (token = queue.reap()) >= 0; done++) {
                    assertTrue(out.remove(token), "seed " + SEED);
                    slots.add(token);
                }
                assertEquals(32 - slots.size(), queue.inFlight());
            }
            assertEquals(done, served.size());
            assertTrue(done > 4000, "seed " + SEED + ": " + done);
            assertEquals(32, queue.freeDescriptors());
            device.stop();
        }
    }

    private boolean begin(DriverVirtqueue queue, Random random, int slot, long page) {
        long gpa = page + slot * 4096L;
        Memory.putLong(memory.address(gpa), slot);
        queue.begin();
        queue.add(gpa, 16, false);
        int buffers = random.nextInt(6);
        for (int i = 0; i < buffers; i++) queue.add(gpa + 64 * (i + 1), 1 + random.nextInt(64), i >= buffers / 2);
        queue.add(gpa + 1024, 1, true);
        return queue.commit(slot);
    }

    private static boolean commit(DriverVirtqueue queue, int token, int readable, int writable) {
        queue.begin();
        for (int i = 0; i < readable + writable; i++) queue.add(0x1000L * (i + 1), 100 + i, i >= readable);
        return queue.commit(token);
    }

    private static void publish(DriverVirtqueue queue, int token) {
        assertTrue(commit(queue, token, 1, 0));
        queue.publish();
    }

    private static void use(DriverVirtqueue queue, int head, int length) {
        int idx = Memory.getU16(queue.deviceAddress() + 2);
        long element = queue.deviceAddress() + 4 + 8L * (idx % queue.size());
        Memory.putInt(element, head);
        Memory.putInt(element + 4, length);
        Memory.putU16Release(queue.deviceAddress() + 2, (idx + 1) & 0xFFFF);
    }
}
