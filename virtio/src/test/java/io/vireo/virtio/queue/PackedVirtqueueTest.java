package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;
import static io.vireo.virtio.queue.PackedGuestRing.AVAIL;
import static io.vireo.virtio.queue.PackedGuestRing.INDIRECT;
import static io.vireo.virtio.queue.PackedGuestRing.NEXT;
import static io.vireo.virtio.queue.PackedGuestRing.USED;
import static io.vireo.virtio.queue.PackedGuestRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Memory;
import io.vireo.virtio.queue.GuestRing.Buffer;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PackedVirtqueueTest {
    private static final int SIZE = 6;
    private static final long INDIRECT_DESC = 1L << 28;

    private final PackedGuestRing guest = new PackedGuestRing(SIZE, 256 << 10);
    private final Virtqueue queue = guest.virtqueue(INDIRECT_DESC);
    private final Chain chain = new Chain(SIZE);
    private final long page = guest.allocate(8192, 4096);

    @AfterEach
    void free() {
        guest.close();
    }

    private boolean poll() {
        return queue.poll(guest.memory(), chain);
    }

    private long host(long gpa) {
        return guest.guest().host(gpa);
    }

    private void assertBroken(Fault fault, long value) {
        int before = queue.base();
        int inFlight = queue.inFlight();
        VirtqueueBroken broken = assertThrows(VirtqueueBroken.class, this::poll);
        assertEquals(fault, broken.fault());
        assertEquals(value, broken.value());
        assertEquals(before, queue.base(), "a broken chain moves nothing");
        assertEquals(inFlight, queue.inFlight());
    }

    @Test
    @Tag("virtio-1.3-2.8.15")
    @Tag("virtio-1.3-2.8.15/marked")
    void findsNothingInARingOfZeroes() {
        assertFalse(queue.hasAvailable());
        assertFalse(poll());
    }

    @ParameterizedTest
    @ValueSource(ints = {USED, AVAIL | USED, 0, AVAIL | USED | NEXT})
    @Tag("virtio-1.3-2.8.1")
    @Tag("virtio-1.3-2.8.15/marked")
    void findsNothingThatIsNotMarkedInThisLap(int flags) {
        guest.describe(0, readable(page, 16), flags, 0);
        assertFalse(queue.hasAvailable());
        assertFalse(poll());
    }

    @Test
    @Tag("virtio-1.3-2.8.6")
    @Tag("virtio-1.3-2.8.6/id")
    @Tag("virtio-1.3-2.8.18/list-order")
    void takesTheBuffersOfAChainInOrderAndTheIdOfItsLastDescriptor() {
        guest.offer(3, readable(page, 16), readable(page + 512, 1024), writable(page + 4096, 512), writable(page + 16, 1));
        assertTrue(queue.hasAvailable());
        assertTrue(poll());
        assertEquals(3, chain.id());
        assertEquals(2, chain.readableCount());
        assertEquals(2, chain.writableCount());
        assertEquals(1040, chain.readableBytes());
        assertEquals(513, chain.writableBytes());
        assertEquals(host(page), chain.address(0));
        assertEquals(host(page + 512), chain.address(1));
        assertEquals(host(page + 4096), chain.address(2));
        assertEquals(host(page + 16), chain.address(3));
        assertFalse(queue.hasAvailable());
        assertEquals(1, queue.inFlight());
    }

    @Test
    @Tag("virtio-1.3-2.8.7")
    @Tag("virtio-1.3-2.8.7/table")
    void takesAnIndirectTableOfWhoseFlagsOnlyWriteCounts() {
        Buffer table = guest.table(readable(page, 16), writable(page + 512, 512), writable(page + 16, 1));
        Memory.putU16(host(table.gpa()) + 14, 0xFFFF & ~WRITE);
        Memory.putU16(host(table.gpa()) + 32 + 14, 0xFFFF);
        guest.describe(0, table, AVAIL | INDIRECT | WRITE, 5);
        assertTrue(poll());
        assertEquals(5, chain.id());
        assertEquals(1, chain.readableCount());
        assertEquals(513, chain.writableBytes());
    }

    @Test
    void takesAnIndirectTableLongerThanTheQueue() {
        Buffer[] buffers = new Buffer[1026];
        for (int i = 0; i < buffers.length; i++) buffers[i] = i < 1025 ? readable(page, 8) : writable(page, 1);
        guest.offerTable(0, buffers);
        assertTrue(poll());
        assertEquals(1025, chain.readableCount());
    }

    @Test
    @Tag("virtio-1.3-2.8.18/limit")
    void breaksOnAnIndirectTableWithMoreDescriptorsThanAnyRequestNeeds() {
        Buffer[] buffers = new Buffer[1027]; // and the one that points at them
        for (int i = 0; i < buffers.length; i++) buffers[i] = readable(page, 8);
        guest.offerTable(0, buffers);
        assertBroken(Fault.CHAIN_TOO_LONG, 0);
    }

    @Test
    void leavesOutEmptyBuffersWhereverTheyPoint() {
        guest.offer(0, readable(page, 16), readable(-1, 0), writable(page, 1), readable(0, 0), writable(-1, 0));
        assertTrue(poll());
        assertEquals(1, chain.readableCount());
        assertEquals(1, chain.writableCount());
    }

    @Test
    @Tag("virtio-1.3-2.8.17")
    void breaksOnAReadableBufferBehindAWritableOne() {
        guest.offer(0, readable(page, 16), writable(page, 16), readable(page + 32, 16));
        assertBroken(Fault.READABLE_AFTER_WRITABLE, page + 32);
    }

    @Test
    void breaksOnBuffersAndTablesOutsideTheGuestsMemory() {
        long end = GuestRing.GPA + guest.guest().sizeBytes();
        guest.offer(0, readable(end - 15, 16));
        assertBroken(Fault.BAD_ADDRESS, end);
        guest.describe(0, readable(end - 16, 32), AVAIL | INDIRECT, 0);
        assertBroken(Fault.BAD_ADDRESS, end - 16);
    }

    @Test
    @Tag("virtio-1.3-2.8.6/id-free")
    void breaksOnAnIdThatTheQueueIsTooShortFor() {
        guest.offer(SIZE, readable(page, 16));
        assertBroken(Fault.BUFFER_ID_OUT_OF_RANGE, SIZE);
    }

    @Test
    @Tag("virtio-1.3-2.8.6/id-free")
    void takesAnIdAgainOnlyAfterItWasShownAsUsed() {
        guest.offer(2, readable(page, 16));
        guest.offer(2, readable(page, 16));
        assertTrue(poll());
        assertBroken(Fault.BUFFER_ID_IN_FLIGHT, 2);
        queue.pushUsed(2, 0);
        assertBroken(Fault.BUFFER_ID_IN_FLIGHT, 2);
        queue.publishUsed();
        assertTrue(poll());
        assertEquals(1, queue.inFlight());
    }

    @Test
    void refusesToReturnWhatIsNotInFlight() {
        assertThrows(IllegalStateException.class, () -> queue.pushUsed(2, 0));
        guest.offer(2, readable(page, 16));
        poll();
        queue.pushUsed(2, 0);
        assertThrows(IllegalStateException.class, () -> queue.pushUsed(2, 0));
    }

    @Test
    @Tag("virtio-1.3-2.8.17")
    @Tag("virtio-1.3-2.8.16/overrun")
    void breaksOnAChainThatRunsIntoItself() {
        for (int i = 0; i < SIZE; i++) guest.describe(i, readable(page, 16), AVAIL | NEXT, 0);
        assertBroken(Fault.RING_OVERRUN, 0);
    }

    @Test
    @Tag("virtio-1.3-2.8.16")
    @Tag("virtio-1.3-2.8.16/overrun")
    void breaksOnDescriptorsMadeAvailableOverThoseInFlight() {
        guest.offer(0, readable(page, 16), readable(page, 16), readable(page, 16));
        assertTrue(poll());
        guest.offer(1, readable(page, 16), readable(page, 16), readable(page, 16), readable(page, 16));
        assertBroken(Fault.RING_OVERRUN, 3);
        guest.startAt(3, true);
        guest.offer(1, readable(page, 16), readable(page, 16), readable(page, 16));
        assertTrue(poll());
        guest.offer(2, readable(page, 16));
        assertBroken(Fault.RING_OVERRUN, 0);
        queue.pushUsed(1, 0);
        assertBroken(Fault.RING_OVERRUN, 0);
    }

    @Test
    @Tag("virtio-1.3-2.8.17")
    @Tag("virtio-1.3-2.8.15/marked")
    void breaksOnAChainWhoseRestIsNotAvailable() {
        guest.describe(0, readable(page, 16), AVAIL | NEXT, 0);
        guest.describe(1, readable(page, 16), USED, 0);
        assertBroken(Fault.NEXT_NOT_AVAILABLE, 1);
        guest.describe(1, readable(page, 16), AVAIL, 0);
        assertTrue(poll());
    }

    @Test
    @Tag("virtio-1.3-2.8.19")
    @Tag("virtio-1.3-2.8.19/indirect-rules")
    void breaksOnIndirectDescriptorsThatBreakTheirRules() {
        Buffer table = guest.table(readable(page, 16));
        guest.describe(0, table, AVAIL | INDIRECT | NEXT, 0);
        assertBroken(Fault.INDIRECT_WITH_NEXT, 0);
        guest.describe(0, readable(page, 16), AVAIL | NEXT, 0);
        guest.describe(1, table, AVAIL | INDIRECT, 0);
        assertBroken(Fault.INDIRECT_WITH_NEXT, 0);
        for (long length : new long[] {0, 15, 17, 65537 * 16, 0xFFFF_FFF0L}) {
            guest.describe(0, readable(table.gpa(), length), AVAIL | INDIRECT, 0);
            assertBroken(Fault.INDIRECT_LENGTH, length);
        }
    }

    @Test
    @Tag("virtio-1.3-2.8.19")
    @Tag("virtio-1.3-2.8.19/indirect-rules")
    void breaksOnAnIndirectDescriptorThatWasNotNegotiated() {
        Virtqueue direct = guest.virtqueue(0);
        guest.offerTable(0, readable(page, 16));
        VirtqueueBroken broken = assertThrows(VirtqueueBroken.class, () -> direct.poll(guest.memory(), chain));
        assertEquals(Fault.INDIRECT_NOT_NEGOTIATED, broken.fault());
    }

    @Test
    @Tag("virtio-1.3-2.8.2")
    @Tag("virtio-1.3-2.8.2/one-used-descriptor")
    @Tag("virtio-1.3-2.8.4/write-flag")
    @Tag("virtio-1.3-2.8.12/order")
    void writesAUsedDescriptorAChainWhereTheOldestOneBegan() {
        guest.offer(4, readable(page, 16), writable(page, 1));
        guest.offer(1, readable(page, 16), readable(page, 16), writable(page, 513));
        poll();
        poll();
        queue.pushUsed(1, 513);
        queue.pushUsed(4, 0);
        assertEquals(AVAIL | NEXT, guest.flags(0), "nothing is shown yet");
        queue.publishUsed();
        assertEquals(AVAIL | USED | WRITE, guest.flags(0));
        assertEquals(1, guest.id(0));
        assertEquals(513, guest.lengthBytes(0));
        assertEquals(AVAIL | USED, guest.flags(3), "three descriptors on, and nothing was written");
        assertEquals(4, guest.id(3));
        assertEquals(AVAIL | NEXT, guest.flags(2), "what is skipped stays");
        assertEquals(0x8005_8005, queue.base());
    }

    @Test
    @Tag("virtio-1.3-2.8.1")
    @Tag("virtio-1.3-2.8.1/wrap-counters")
    void turnsBothWrapCountersAtTheEndOfTheRing() {
        int at = 0;
        for (int turn = 0; turn < 100_000; turn++) {
            int count = 1 + turn % 3;
            Buffer[] buffers = new Buffer[count];
            for (int i = 0; i < count; i++) buffers[i] = writable(page, 16 + i);
            boolean wrap = guest.marks() == AVAIL;
            guest.offer(turn % SIZE, buffers);
            assertTrue(poll());
            if (chain.id() != turn % SIZE || chain.writableCount() != count) assertEquals(turn % SIZE, chain.id());
            assertFalse(poll());
            queue.pushUsed(chain.id(), turn + 1);
            queue.publishUsed();
            int flags = wrap ? AVAIL | USED | WRITE : WRITE;
            if (guest.flags(at) != flags || guest.lengthBytes(at) != turn + 1) assertEquals(flags, guest.flags(at));
            at = (at + count) % SIZE;
        }
    }

    @Test
    @Tag("vhost-user-SET_VRING_BASE")
    void goesOnWithARingThatAnotherDeviceServed() {
        guest.startAt(4, false);
        guest.offer(0, readable(page, 16), readable(page, 16), writable(page, 1));
        Virtqueue resumed = guest.virtqueue(0x0004_0004, 0);
        assertTrue(resumed.poll(guest.memory(), chain));
        assertEquals(2, chain.readableCount());
        assertEquals(0x0004_8001, resumed.base());
        resumed.pushUsed(0, 1);
        resumed.publishUsed();
        assertEquals(WRITE, guest.flags(4));
        assertEquals(0x8001_8001, resumed.base());
    }

    @Test
    void countsWhatAnotherDeviceHasInFlightAsTaken() {
        guest.startAt(5, true);
        guest.offer(0, readable(page, 16), readable(page, 16));
        Virtqueue resumed = guest.virtqueue(0x8000_8005, 0);
        VirtqueueBroken broken = assertThrows(VirtqueueBroken.class, () -> resumed.poll(guest.memory(), chain));
        assertEquals(Fault.RING_OVERRUN, broken.fault());
    }

    @Test
    void refusesSizesAndBasesNoRingHas() {
        VirtqueueAreas areas = guest.areas();
        for (int size : new int[] {0, 32769, -8})
            assertThrows(IllegalArgumentException.class, () -> new PackedVirtqueue(0, size, areas, 0x8000_8000, 0, null, null));
        assertThrows(IllegalArgumentException.class, () -> new PackedVirtqueue(0, SIZE, areas, 0x8000_8006, 0, null, null));
        assertEquals(1, new PackedVirtqueue(0, 1, areas, 0x8000_8000, 0, null, null).size());
    }

    @Test
    void followsTheRingToOtherAddresses() {
        try (PackedGuestRing other = new PackedGuestRing(SIZE, 256 << 10)) {
            guest.offer(0, readable(page, 16));
            assertTrue(poll());
            queue.moveTo(other.areas());
            queue.pushUsed(0, 7);
            queue.publishUsed();
            assertEquals(AVAIL, guest.flags(0));
            assertEquals(AVAIL | USED | WRITE, other.flags(0));
            other.startAt(1, true);
            other.offer(1, readable(page, 16));
            assertTrue(queue.poll(other.memory(), chain));
            assertEquals(1, chain.id());
        }
    }
}
