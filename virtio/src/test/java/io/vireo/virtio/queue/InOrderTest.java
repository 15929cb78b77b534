package io.vireo.virtio.queue;

import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.queue.VirtqueueBroken.Fault;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class InOrderTest {
    private static final int SIZE = 8;
    private static final long IN_ORDER = 1L << 35;

    private final Chain chain = new Chain(SIZE);

    @Test
    @Tag("virtio-1.3-2.7.9")
    @Tag("virtio-1.3-6.2/in-order")
    void aSplitChainThatOvertakesWaitsForThoseTakenBefore() {
        try (GuestRing guest = new GuestRing(SIZE, 64 << 10)) {
            long page = guest.allocate(4096, 4096);
            for (int i = 0; i < SIZE; i++) guest.chain(i, readable(page, 16), writable(page, 1));
            Virtqueue queue = guest.virtqueue(IN_ORDER);
            guest.publish(4, 2, 0, 6);
            for (int i = 0; i < 4; i++) assertTrue(queue.poll(guest.memory(), chain));
            queue.pushUsed(2, 102);
            queue.pushUsed(0, 100);
            queue.publishUsed();
            assertEquals(0, guest.usedIdx());
            assertFalse(queue.needsCall());
            assertEquals(2, queue.unpublished());
            assertEquals(2, queue.inFlight());
            queue.pushUsed(4, 104);
            queue.publishUsed();
            assertEquals(3, guest.usedIdx());
            int[] order = {4, 2, 0};
            for (int i = 0; i < 3; i++) {
                assertEquals(order[i], guest.usedId(i));
                assertEquals(100 + order[i], guest.usedLength(i));
            }
            assertTrue(queue.needsCall());
        }
    }

    @Test
    @Tag("virtio-1.3-2.8.8")
    @Tag("virtio-1.3-6.2/in-order")
    void aPackedChainThatOvertakesWaitsForThoseTakenBefore() {
        try (PackedGuestRing guest = new PackedGuestRing(SIZE, 64 << 10)) {
            long page = guest.allocate(4096, 4096);
            Virtqueue queue = guest.virtqueue(IN_ORDER);
            guest.offer(5, readable(page, 16), writable(page, 1));
            guest.offer(3, writable(page, 1));
            guest.offer(1, readable(page, 16), writable(page, 1));
            for (int i = 0; i < 3; i++) assertTrue(queue.poll(guest.memory(), chain));
            queue.pushUsed(1, 101);
            queue.pushUsed(3, 103);
            queue.publishUsed();
            assertEquals(0x81, guest.flags(0));
            queue.pushUsed(5, 105);
            queue.publishUsed();
            int[] order = {5, 3, 1};
            int[] at = {0, 2, 3};
            for (int i = 0; i < 3; i++) {
                assertEquals(order[i], guest.id(at[i]));
                assertEquals(100 + order[i], guest.lengthBytes(at[i]));
            }
            assertEquals(0x8005_8005, queue.base());
        }
    }

    @Test
    @Tag("virtio-1.3-6.2/in-order")
    void aHeadThatWaitsIsNotTheDriversAgain() {
        try (GuestRing guest = new GuestRing(SIZE, 64 << 10)) {
            long page = guest.allocate(4096, 4096);
            for (int i = 0; i < SIZE; i++) guest.chain(i, readable(page, 16));
            Virtqueue queue = guest.virtqueue(IN_ORDER);
            guest.publish(0, 1, 1);
            assertTrue(queue.poll(guest.memory(), chain));
            assertTrue(queue.poll(guest.memory(), chain));
            queue.pushUsed(1, 0);
            queue.publishUsed();
            VirtqueueBroken broken = assertThrows(VirtqueueBroken.class, () -> queue.poll(guest.memory(), chain));
            assertEquals(Fault.HEAD_IN_FLIGHT, broken.fault());
        }
    }
}
