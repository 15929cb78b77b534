package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_INDIRECT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_NEXT;
import static io.vireo.virtio.queue.VirtqueueLayout.DESC_F_WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.posix.Memory;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.GuestRing.Buffer;
import io.vireo.virtio.queue.VirtqueueBroken.Fault;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class SplitVirtqueueTest {
    private static final int SIZE = 8;
    private static final long INDIRECT = VirtqueueLayout.RING_F_INDIRECT_DESC;

    private final GuestRing guest = new GuestRing(SIZE, 256 << 10);
    private final Virtqueue queue = guest.virtqueue(INDIRECT);
    private final Chain chain = new Chain(SIZE);
    private final long page = guest.allocate(8192, 4096);

    @AfterEach
    void free() {
        guest.close();
    }

    private boolean poll() {
        return queue.poll(guest.memory(), chain);
    }

    private void assertBroken(Fault fault, long value) {
        int before = queue.base();
        VirtqueueBroken broken = assertThrows(VirtqueueBroken.class, this::poll);
        assertEquals(fault, broken.fault());
        assertEquals(value, broken.value());
        assertEquals(before, queue.base(), "a broken chain moves nothing");
        assertEquals(0, broken.getStackTrace().length);
    }

    @Test
    void findsNothingInANewRing() {
        assertFalse(queue.hasAvailable());
        assertFalse(poll());
    }

    @Test
    @Tag("virtio-1.3-2.7.5.1/table-unwritten")
    void writesNothingIntoTheDescriptorTableOrTheAvailableRing() {
        guest.chain(0, readable(page, 16), writable(page + 4096, 512));
        guest.chainIndirect(5, readable(page, 16), writable(page + 4096, 512));
        guest.publish(0, 5);
        byte[] before = whatIsTheDrivers();
        queue.suppressKicks();
        while (poll()) queue.pushUsed(chain.id(), 512);
        queue.publishUsed();
        queue.needsCall();
        queue.enableKicks();
        assertEquals(2, guest.usedIdx());
        assertArrayEquals(before, whatIsTheDrivers());
    }

    private byte[] whatIsTheDrivers() {
        int table = (int) VirtqueueLayout.descriptorTableBytes(SIZE);
        int avail = (int) VirtqueueLayout.availRingBytes(SIZE);
        byte[] bytes = new byte[table + avail];
        Memory.copy(guest.areas().descriptor(), bytes, 0, table);
        Memory.copy(guest.areas().driver(), bytes, table, avail);
        return bytes;
    }

    @Test
    void takesTheBuffersOfAChainInOrder() {
        guest.chain(
                3, readable(page, 16), readable(page + 512, 1024), writable(page + 4096, 512), writable(page + 16, 1));
        guest.publish(3);
        assertTrue(queue.hasAvailable());
        assertTrue(poll());
        assertEquals(3, chain.id());
        assertEquals(2, chain.readableCount());
        assertEquals(2, chain.writableCount());
        assertEquals(1040, chain.readableBytes());
        assertEquals(513, chain.writableBytes());
        assertEquals(guest.host(page), chain.address(0));
        assertEquals(guest.host(page + 512), chain.address(1));
        assertEquals(guest.host(page + 4096), chain.address(2));
        assertEquals(guest.host(page + 16), chain.address(3));
        assertEquals(1024, chain.lengthBytes(1));
        assertFalse(queue.hasAvailable());
        assertFalse(poll());
        assertEquals(1, queue.inFlight());
    }

    @Test
    @Tag("virtio-1.3-2.7.5.3")
    void takesAnIndirectTable() {
        guest.chainIndirect(5, readable(page, 16), writable(page + 512, 512), writable(page + 16, 1));
        guest.publish(5);
        assertTrue(poll());
        assertEquals(5, chain.id());
        assertEquals(1, chain.readableCount());
        assertEquals(513, chain.writableBytes());
    }

    @Test
    @Tag("virtio-1.3-2.7.5.3.2")
    @Tag("virtio-1.3-2.7.5.3.2/write-flag")
    @Tag("virtio-1.3-2.7.5.3.2/mixed")
    void takesDescriptorsFollowedByAnIndirectTableWhoseWriteFlagMeansNothing() {
        guest.describe(0, readable(page, 16), DESC_F_NEXT, 1);
        guest.describe(1, readable(page + 16, 512), DESC_F_NEXT, 2);
        Buffer table = guest.indirectTable(readable(page + 1024, 512), writable(page + 4096, 1));
        guest.describe(2, table, DESC_F_INDIRECT | DESC_F_WRITE, 0);
        guest.publish(0);
        assertTrue(poll());
        assertEquals(3, chain.readableCount());
        assertEquals(1040, chain.readableBytes());
        assertEquals(1, chain.writableBytes());
    }

    @Test
    void takesAnIndirectTableLongerThanTheQueue() {
        Buffer[] buffers = new Buffer[1026];
        for (int i = 0; i < buffers.length; i++) buffers[i] = i < 1025 ? readable(page, 8) : writable(page, 1);
        guest.chainIndirect(0, buffers);
        guest.publish(0);
        assertTrue(poll());
        assertEquals(1025, chain.readableCount());
    }

    @Test
    @Tag("virtio-1.3-2.7.4.1/limit")
    void breaksOnAnIndirectTableWithMoreDescriptorsThanAnyRequestNeeds() {
        Buffer[] buffers = new Buffer[1027]; // and the one that points at them
        for (int i = 0; i < buffers.length; i++) buffers[i] = readable(page, 8);
        guest.chainIndirect(0, buffers);
        guest.publish(0);
        assertBroken(Fault.CHAIN_TOO_LONG, 0);
    }

    @Test
    void leavesOutEmptyBuffersWhereverTheyPoint() {
        guest.chain(0, readable(page, 16), readable(-1, 0), writable(page, 1), readable(0, 0), writable(-1, 0));
        guest.publish(0);
        assertTrue(poll());
        assertEquals(1, chain.readableCount());
        assertEquals(1, chain.writableCount());
    }

    @Test
    @Tag("virtio-1.3-2.7.13.3")
    @Tag("virtio-1.3-2.7.6/index")
    void breaksWhenTheAvailableIndexJumpsFurtherThanTheQueueIsLong() {
        guest.availIdx(SIZE + 1);
        assertTrue(queue.hasAvailable());
        assertBroken(Fault.AVAIL_JUMP, SIZE + 1);
    }

    @Test
    @Tag("virtio-1.3-2.7.6/index")
    void breaksWhenTheAvailableIndexGoesBack() {
        guest.chain(0, readable(page, 16));
        guest.publish(0);
        assertTrue(poll());
        guest.availIdx(0);
        assertBroken(Fault.AVAIL_JUMP, 0);
    }

    @Test
    void breaksOnAHeadOutsideTheTable() {
        guest.publish(SIZE);
        assertBroken(Fault.HEAD_OUT_OF_RANGE, SIZE);
    }

    @Test
    void breaksOnANextOutsideTheTable() {
        guest.describe(0, readable(page, 16), DESC_F_NEXT, SIZE);
        guest.publish(0);
        assertBroken(Fault.NEXT_OUT_OF_RANGE, SIZE);
    }

    @Test
    void breaksOnANextOutsideTheIndirectTableThoughInsideTheQueue() {
        Buffer table = guest.indirectTable(readable(page, 16), writable(page, 1));
        Memory.putU16(guest.host(table.gpa()) + 14, 2);
        guest.describe(0, table, DESC_F_INDIRECT, 0);
        guest.publish(0);
        assertBroken(Fault.NEXT_OUT_OF_RANGE, 2);
    }

    @Test
    @Tag("virtio-1.3-2.7.5/loop")
    void breaksOnALoopInTheTableAndOnOneOfEmptyBuffers() {
        guest.describe(0, readable(page, 16), DESC_F_NEXT, 1);
        guest.describe(1, readable(page, 0), DESC_F_NEXT, 0);
        guest.publish(0);
        assertBroken(Fault.CHAIN_LOOP, 0);
    }

    @Test
    @Tag("virtio-1.3-2.7.5/loop")
    void breaksOnALoopInAnIndirectTable() {
        Buffer table = guest.indirectTable(readable(page, 16), readable(page, 16), writable(page, 1));
        Memory.putU16(guest.host(table.gpa()) + 16 + 14, 0);
        guest.describe(4, table, DESC_F_INDIRECT, 0);
        guest.publish(4);
        assertBroken(Fault.CHAIN_LOOP, 4);
    }

    @Test
    @Tag("virtio-1.3-2.7.5/loop")
    void takesAChainOfAsManyDescriptorsAsTheQueueHas() {
        Buffer[] buffers = new Buffer[SIZE];
        for (int i = 0; i < SIZE; i++) buffers[i] = readable(page + 16 * i, 16);
        guest.chain(6, buffers);
        guest.publish(6);
        assertTrue(poll());
        assertEquals(SIZE, chain.readableCount());
    }

    @Test
    @Tag("virtio-1.3-2.7.4.2")
    @Tag("virtio-1.3-2.7.4.2/readable-first")
    void breaksOnAReadableBufferBehindAWritableOne() {
        guest.chain(0, readable(page, 16), writable(page, 16), readable(page + 32, 16));
        guest.publish(0);
        assertBroken(Fault.READABLE_AFTER_WRITABLE, page + 32);
    }

    @Test
    @Tag("virtio-1.3-2.7.5/in-memory")
    void breaksOnBuffersOutsideTheGuestsMemory() {
        guest.chain(0, readable(GuestRing.GPA + guest.sizeBytes() - 15, 16));
        guest.publish(0);
        assertBroken(Fault.BAD_ADDRESS, GuestRing.GPA + guest.sizeBytes());
        guest.chain(0, readable(-16, 16));
        assertBroken(Fault.BAD_ADDRESS, -16);
        guest.chain(0, writable(GuestRing.GPA, 0xFFFF_FFFFL));
        assertBroken(Fault.BAD_ADDRESS, GuestRing.GPA + guest.sizeBytes());
    }

    @Test
    @Tag("virtio-1.3-2.7.5/in-memory")
    void breaksOnAnIndirectTableOutsideTheGuestsMemory() {
        guest.describe(0, readable(GuestRing.GPA + guest.sizeBytes() - 16, 32), DESC_F_INDIRECT, 0);
        guest.publish(0);
        assertBroken(Fault.BAD_ADDRESS, GuestRing.GPA + guest.sizeBytes() - 16);
    }

    @Test
    @Tag("virtio-1.3-2.7.5.3.1")
    @Tag("virtio-1.3-2.7.5.3.1/indirect-rules")
    void breaksOnIndirectDescriptorsThatBreakTheirRules() {
        Buffer inner = guest.indirectTable(readable(page, 16));
        Buffer outer = guest.indirectTable(inner);
        Memory.putU16(guest.host(outer.gpa()) + 12, DESC_F_INDIRECT);
        guest.describe(0, outer, DESC_F_INDIRECT, 0);
        guest.publish(0);
        assertBroken(Fault.INDIRECT_NESTED, 0);
        guest.describe(0, inner, DESC_F_INDIRECT | DESC_F_NEXT, 1);
        assertBroken(Fault.INDIRECT_WITH_NEXT, 0);
        for (long length : new long[] {0, 15, 17, 65537 * 16, 0xFFFF_FFF0L}) {
            guest.describe(0, readable(inner.gpa(), length), DESC_F_INDIRECT, 0);
            assertBroken(Fault.INDIRECT_LENGTH, length);
        }
    }

    /** A table that names the ring's own one: it is walked once as a table, never as one within a table. */
    @Test
    void breaksOnAnIndirectTableThatIsTheDescriptorTableItself() {
        guest.describe(0, readable(guest.tableGpa(), 16 * SIZE), DESC_F_INDIRECT, 0);
        guest.publish(0);
        assertThrows(VirtqueueBroken.class, this::poll);
    }

    @Test
    @Tag("virtio-1.3-2.7.5.3.1/indirect-rules")
    void breaksOnAnIndirectDescriptorThatWasNotNegotiated() {
        Virtqueue direct = guest.virtqueue(0);
        guest.chainIndirect(0, readable(page, 16));
        guest.publish(0);
        VirtqueueBroken broken = assertThrows(VirtqueueBroken.class, () -> direct.poll(guest.memory(), chain));
        assertEquals(Fault.INDIRECT_NOT_NEGOTIATED, broken.fault());
    }

    @Test
    void takesAHeadAgainOnlyAfterItWasShownAsUsed() {
        guest.chain(2, readable(page, 16));
        guest.publish(2, 2);
        assertTrue(poll());
        assertBroken(Fault.HEAD_IN_FLIGHT, 2);
        queue.pushUsed(2, 0);
        assertBroken(Fault.HEAD_IN_FLIGHT, 2);
        queue.publishUsed();
        assertTrue(poll());
        assertEquals(1, queue.inFlight());
    }

    @Test
    void refusesToReturnAHeadThatIsNotInFlight() {
        assertThrows(IllegalStateException.class, () -> queue.pushUsed(2, 0));
        guest.chain(2, readable(page, 16));
        guest.publish(2);
        poll();
        queue.pushUsed(2, 0);
        assertThrows(IllegalStateException.class, () -> queue.pushUsed(2, 0));
    }

    @Test
    @Tag("virtio-1.3-2.7.8")
    @Tag("virtio-1.3-2.7.8.2/len-first")
    void showsUsedElementsOnlyWhenPublished() {
        guest.chain(0, readable(page, 16));
        guest.chain(1, readable(page, 16));
        guest.publish(0, 1);
        poll();
        poll();
        queue.pushUsed(1, 0xFFFF_FFFF);
        queue.pushUsed(0, 513);
        assertEquals(0, guest.usedIdx());
        queue.publishUsed();
        assertEquals(2, guest.usedIdx());
        assertEquals(1, guest.usedId(0));
        assertEquals(-1, guest.usedLength(0));
        assertEquals(0, guest.usedId(1));
        assertEquals(513, guest.usedLength(1));
    }

    @Test
    void goesRoundTheIndicesManyTimes() {
        for (int i = 0; i < SIZE; i++) guest.chain(i, readable(page, 16 + i));
        for (int turn = 0; turn < 140_000; turn++) {
            int head = turn % SIZE;
            guest.publish(head);
            assertTrue(poll());
            if (chain.id() != head || chain.readableBytes() != 16 + head) assertEquals(head, chain.id());
            queue.pushUsed(head, turn);
            queue.publishUsed();
            if (guest.usedIdx() != ((turn + 1) & 0xFFFF)) assertEquals((turn + 1) & 0xFFFF, guest.usedIdx());
            if (guest.usedLength(turn) != turn) assertEquals(turn, guest.usedLength(turn));
        }
        assertFalse(poll());
    }

    @Test
    void goesOnWithARingThatAnotherDeviceServed() {
        guest.usedIdx(0xFFFE);
        guest.availIdx(0xFFFF);
        SplitVirtqueue resumed = new SplitVirtqueue(1, SIZE, guest.areas(), 0xFFFF, 0, null, null);
        assertFalse(resumed.hasAvailable());
        guest.chain(7, readable(page, 16));
        guest.publish(7);
        assertTrue(resumed.poll(guest.memory(), chain));
        assertEquals(0, resumed.base());
        resumed.pushUsed(7, 5);
        resumed.publishUsed();
        assertEquals(0xFFFF, guest.usedIdx());
        assertEquals(7, guest.usedId(0xFFFE));
    }

    @Test
    void splitsABufferThatCrossesRegions() {
        long host = guest.host(page);
        MemoryRegion first = new MemoryRegion(0x1000, 0x1000, 0x1000, host, SharedMapping.of(() -> {}));
        MemoryRegion second = new MemoryRegion(0x2000, 0x2000, 0x1000, host + 0x1000, SharedMapping.of(() -> {}));
        GuestMemory two = GuestMemory.of(List.of(second, first));
        guest.chain(0, readable(0x1FF8, 16), writable(0x1000, 0x2000));
        guest.publish(0);
        assertTrue(queue.poll(two, chain));
        assertEquals(2, chain.readableCount());
        assertEquals(8, chain.lengthBytes(0));
        assertEquals(host + 0xFF8, chain.address(0));
        assertEquals(host + 0x1000, chain.address(1));
        assertEquals(2, chain.writableCount());
        assertEquals(0x2000, chain.writableBytes());
    }

    @Test
    void followsTheRingToOtherAddresses() {
        try (GuestRing other = new GuestRing(SIZE, 256 << 10)) {
            guest.chain(0, readable(page, 16));
            guest.publish(0);
            assertTrue(poll());
            queue.moveTo(other.areas());
            queue.pushUsed(0, 7);
            queue.publishUsed();
            assertEquals(0, guest.usedIdx());
            assertEquals(1, other.usedIdx());
            other.chain(1, readable(page, 16));
            other.putAvail(1, 1);
            other.availIdx(2);
            assertTrue(queue.poll(other.memory(), chain));
            assertEquals(1, chain.id());
        }
    }

    @Test
    @Tag("virtio-1.3-2.7")
    @Tag("virtio-1.3-2.7/size")
    void refusesSizesAndBasesNoRingHas() {
        VirtqueueAreas areas = guest.areas();
        for (int size : new int[] {0, 1, 3, 100, 65536, -8}) {
            assertThrows(IllegalArgumentException.class, () -> new SplitVirtqueue(0, size, areas, 0, 0, null, null));
        }
        assertThrows(IllegalArgumentException.class, () -> new SplitVirtqueue(0, SIZE, areas, 0x10000, 0, null, null));
    }
}
