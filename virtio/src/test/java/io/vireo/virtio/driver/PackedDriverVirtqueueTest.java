package io.vireo.virtio.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Memory;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Against the bytes of virtio 1.3, 2.8, written here as numbers. */
class PackedDriverVirtqueueTest {
    private static final long PACKED = 1L << 34;
    private static final long EVENT_IDX = 1 << 29;
    private static final long INDIRECT = 1 << 28;
    private static final int AVAIL = 0x80;
    private static final int USED = 0x8000;
    private static final int SIZE = 6;

    private final DriverMemory memory = DriverMemory.create(8 << 20, 4 << 20);

    @AfterEach
    void close() {
        memory.close();
    }

    private DriverVirtqueue queue(long features) {
        return DriverVirtqueue.of(memory, SIZE, PACKED | features, 4);
    }

    private static long at(DriverVirtqueue queue, int offset) {
        return queue.descriptorAddress() + 16L * offset;
    }

    private static int flags(DriverVirtqueue queue, int offset) {
        return Memory.getU16(at(queue, offset) + 14);
    }

    private static int id(DriverVirtqueue queue, int offset) {
        return Memory.getU16(at(queue, offset) + 12);
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

    private static void use(DriverVirtqueue queue, int offset, int id, int length, int flags) {
        Memory.putInt(at(queue, offset) + 8, length);
        Memory.putU16(at(queue, offset) + 12, id);
        Memory.putU16Release(at(queue, offset) + 14, flags);
    }

    private static void deviceEvent(DriverVirtqueue queue, int offWrap, int flags) {
        Memory.putU16(queue.deviceAddress(), offWrap);
        Memory.putU16(queue.deviceAddress() + 2, flags);
    }

    @Test
    @Tag("virtio-1.3-2.8.11")
    void areasAreAlignedAndDoNotOverlap() {
        DriverVirtqueue queue = queue(EVENT_IDX);
        assertEquals(0, queue.descriptorGpa() % 16);
        assertEquals(0, queue.driverGpa() % 4);
        assertEquals(0, queue.deviceGpa() % 4);
        long[][] areas = {{queue.descriptorGpa(), 96}, {queue.driverGpa(), 4}, {queue.deviceGpa(), 4}};
        for (long[] one : areas)
            for (long[] other : areas)
                assertTrue(one == other || one[0] + one[1] <= other[0] || other[0] + other[1] <= one[0]);
    }

    @Test
    @Tag("virtio-1.3-2.8.21.1")
    void aChainLiesInRingOrderAndItsFirstDescriptorIsMarkedLast() {
        DriverVirtqueue queue = queue(0);
        commit(queue, 7, 2, 1);
        assertEquals(0, flags(queue, 0));
        assertEquals(1 | AVAIL, flags(queue, 1));
        assertEquals(2 | AVAIL, flags(queue, 2));
        assertEquals(0x1000, Memory.getLong(at(queue, 0)));
        assertEquals(100, Memory.getInt(at(queue, 0) + 8));
        assertEquals(0x3000, Memory.getLong(at(queue, 2)));
        assertEquals(102, Memory.getInt(at(queue, 2) + 8));
        assertTrue(queue.hasUnpublished());
        queue.publish();
        assertEquals(1 | AVAIL, flags(queue, 0));
        assertFalse(queue.hasUnpublished());
        assertEquals(3, queue.freeDescriptors());
    }

    @Test
    @Tag("virtio-1.3-2.8.7")
    void anIndirectTableHasOnlyWriteFlags() {
        DriverVirtqueue queue = queue(INDIRECT);
        commit(queue, 7, 1, 2);
        queue.publish();
        assertEquals(4 | AVAIL, flags(queue, 0));
        assertEquals(48, Memory.getInt(at(queue, 0) + 8));
        long table = memory.address(Memory.getLong(at(queue, 0)));
        assertEquals(0x1000, Memory.getLong(table));
        assertEquals(0, Memory.getU16(table + 14));
        assertEquals(2, Memory.getU16(table + 16 + 14));
        assertEquals(2, Memory.getU16(table + 32 + 14));
        assertEquals(SIZE - 1, queue.freeDescriptors());
    }

    @Test
    @Tag("virtio-1.3-2.8.17")
    void aFullRingRefusesAndChangesNothing() {
        DriverVirtqueue queue = queue(0);
        assertTrue(commit(queue, 0, 4, 0));
        queue.publish();
        assertFalse(commit(queue, 1, 3, 0));
        assertEquals(0, flags(queue, 4));
        assertTrue(commit(queue, 1, 2, 0));
        assertEquals(0, queue.freeDescriptors());
    }

    @Test
    @Tag("virtio-1.3-2.8.1")
    void marksTurnOverWithTheRing() {
        DriverVirtqueue queue = queue(0);
        for (int i = 0; i < SIZE; i++) publish(queue, i);
        int second = id(queue, 1);
        use(queue, 0, second, 0, AVAIL | USED);
        assertEquals(1, queue.reap());
        publish(queue, 9);
        assertEquals(USED, flags(queue, 0));
        assertEquals(second, id(queue, 0), "the only free one");
        assertFalse(commit(queue, 10, 1, 0));
    }

    @Test
    @Tag("virtio-1.3-2.8.2")
    @Tag("virtio-1.3-2.8.4/write-flag")
    void usedChainsAreReapedInTheOrderOfTheirUseAndSkipTheirDescriptors() {
        DriverVirtqueue queue = queue(0);
        commit(queue, 5, 2, 0);
        commit(queue, 6, 2, 1);
        queue.publish();
        int first = id(queue, 1);
        int second = id(queue, 4);
        assertEquals(0, queue.pendingUsed());
        use(queue, 0, second, 17, AVAIL | USED | 2);
        assertEquals(1, queue.pendingUsed());
        use(queue, 3, first, 99, AVAIL | USED);
        assertEquals(2, queue.pendingUsed());
        assertEquals(6, queue.reap());
        assertEquals(17, queue.usedLengthBytes());
        assertEquals(5, queue.reap());
        assertEquals(0, queue.usedLengthBytes(), "a length without the WRITE flag means nothing (2.8.4)");
        assertEquals(-1, queue.reap());
        assertEquals(SIZE, queue.freeDescriptors());
    }

    @Test
    void aBufferThatIsNotInFlightIsTheDevicesFault() {
        DriverVirtqueue queue = queue(0);
        publish(queue, 0);
        publish(queue, 1);
        use(queue, 0, id(queue, 0) + 3, 0, AVAIL | USED);
        assertThrows(DeviceFault.class, queue::pendingUsed);
        use(queue, 0, 6, 0, AVAIL | USED);
        assertThrows(DeviceFault.class, queue::reap);
        int id = id(queue, 1);
        use(queue, 0, id, 0, AVAIL | USED);
        use(queue, 1, id, 0, AVAIL | USED);
        assertThrows(DeviceFault.class, queue::pendingUsed, "twice");
    }

    @Test
    void moreWrittenThanThereIsRoomForIsTheDevicesFault() {
        DriverVirtqueue queue = queue(0);
        commit(queue, 0, 1, 1);
        queue.publish();
        use(queue, 0, id(queue, 1), 102, AVAIL | USED | 2);
        assertThrows(DeviceFault.class, queue::reap);
    }

    @Test
    @Tag("virtio-1.3-2.8.10")
    void theDevicesWishDecidesOnTheKick() {
        DriverVirtqueue queue = queue(0);
        publish(queue, 0);
        assertTrue(queue.kickNeeded());
        assertFalse(queue.kickNeeded()); // asked once already
        deviceEvent(queue, 0, 1);
        publish(queue, 1);
        assertFalse(queue.kickNeeded());
        deviceEvent(queue, 0, 0);
        publish(queue, 2);
        assertTrue(queue.kickNeeded());
    }

    @Test
    @Tag("virtio-1.3-2.8.10")
    void theDevicesEventDecidesOnTheKick() {
        DriverVirtqueue queue = queue(EVENT_IDX);
        deviceEvent(queue, 1 | 0x8000, 2);
        publish(queue, 0);
        assertFalse(queue.kickNeeded(), "descriptor 0");
        publish(queue, 1);
        assertTrue(queue.kickNeeded(), "descriptor 1");
        publish(queue, 2);
        assertFalse(queue.kickNeeded(), "the event is behind");
        deviceEvent(queue, 4, 2);
        for (int i = 3; i < SIZE; i++) publish(queue, i);
        assertFalse(queue.kickNeeded(), "4 of the next lap is meant");
        for (int i = 0; i < SIZE; i++) {
            use(queue, i, id(queue, i), 0, AVAIL | USED);
            queue.reap();
        }
        for (int i = 0; i < 4; i++) publish(queue, i);
        assertFalse(queue.kickNeeded());
        publish(queue, 4);
        assertTrue(queue.kickNeeded());
    }

    @Test
    @Tag("virtio-1.3-2.8.10")
    void wishesForCallsAreStated() {
        DriverVirtqueue byEvent = queue(EVENT_IDX);
        publish(byEvent, 0);
        use(byEvent, 0, id(byEvent, 0), 0, AVAIL | USED);
        byEvent.suppressCalls();
        assertEquals(1, Memory.getU16(byEvent.driverAddress() + 2));
        assertEquals(1, byEvent.pendingUsed());
        assertTrue(byEvent.armCall());
        assertEquals(1 | 0x8000, Memory.getU16(byEvent.driverAddress()));
        assertEquals(2, Memory.getU16(byEvent.driverAddress() + 2));
        DriverVirtqueue byFlags = queue(0);
        byFlags.suppressCalls();
        assertFalse(byFlags.armCall());
        assertEquals(0, Memory.getU16(byFlags.driverAddress() + 2));
    }

    @Test
    void chainsInFlightAreOfferedAgainWhereTheDeviceStopped() {
        DriverVirtqueue queue = queue(0);
        commit(queue, 0, 2, 0);
        commit(queue, 1, 1, 1);
        commit(queue, 2, 1, 0);
        queue.publish();
        int[] ids = {id(queue, 1), id(queue, 3), id(queue, 4)};
        use(queue, 0, ids[2], 0, AVAIL | USED); // the last one first
        use(queue, 1, ids[1], 101, AVAIL | USED | 2);
        assertEquals(2, queue.reap()); // and the other is used, but not yet reaped
        assertEquals(0x8003_8003, queue.resumeBase());
        queue.offerAgain();
        assertEquals(1 | AVAIL, flags(queue, 3));
        assertEquals(0x1000, Memory.getLong(at(queue, 3)));
        assertEquals(AVAIL, flags(queue, 4));
        assertEquals(0x2000, Memory.getLong(at(queue, 4)));
        assertEquals(ids[0], id(queue, 4));
        assertEquals(0, flags(queue, 5));
        assertEquals(1, queue.reap());
        assertEquals(-1, queue.reap());
        use(queue, 3, ids[0], 0, AVAIL | USED);
        assertEquals(0, queue.reap());
    }

    @Test
    void aRingThatBeginsInTheMiddleShowsNothingUsedAndNothingAvailable() {
        for (int base : new int[] {0x8000_8000, 0x8003_8003, 0x0003_0003, 0x0000_0000}) {
            DriverVirtqueue queue = queue(0);
            queue.reset(base);
            assertEquals(base, queue.resumeBase());
            assertEquals(0, queue.pendingUsed());
            int offset = base & 0x7FFF;
            int mark = (base & 0x8000) != 0 ? AVAIL : USED;
            for (int i = 0; i < SIZE; i++) assertTrue((flags(queue, i) & (AVAIL | USED)) != mark);
            publish(queue, 1);
            assertEquals(mark, flags(queue, offset));
        }
    }

    @Test
    void anySizeUpToTheLargestWillDo() {
        assertEquals(100, DriverVirtqueue.of(memory, 100, PACKED, 4).chainsMax(1));
        for (int size : Set.of(0, 32769))
            assertThrows(IllegalArgumentException.class, () -> DriverVirtqueue.of(memory, size, PACKED, 4));
    }
}
