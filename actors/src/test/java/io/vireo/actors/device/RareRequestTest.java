package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vireo.actors.iothread.IoThread;
import io.vireo.posix.Errno;
import io.vireo.posix.Memory;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RareRequestTest {
    private final Plane plane = new Plane();
    private final IoThread ioThread = plane.ioThread("io0");
    private final WitnessNode node = new WitnessNode();

    @AfterEach
    void end() {
        plane.close();
    }

    private DrivenDevice open() {
        return new DrivenDevice(plane, ioThread, node, 4, new BlkProperties(
                node.sizeBytes(), 512, 512, 0, 0, 126, 0, 1, false, true, new BlkProperties.Discard(true, 64, 16, 1),
                new BlkProperties.WriteZeroes(true, 64, 16, true), "s"));
    }

    /** Ranges of two sectors each, at 10, 20, ..., the odd ones to be unmapped when {@code unmap}. */
    private static void begin(DrivenDevice driven, int type, int ranges, boolean unmap) {
        long at = driven.queue.dataAddress(0);
        for (int i = 0; i < ranges; i++, at += BlkLayout.SEGMENT_BYTES) {
            Memory.putLong(at, 10L * (i + 1));
            Memory.putInt(at + 8, 2);
            Memory.putInt(at + 12, unmap ? i & 1 : 0);
        }
        driven.queue.start(0, type, 0, ranges * BlkLayout.SEGMENT_BYTES, false);
        driven.queue.submit();
    }

    private static int end(DrivenDevice driven) {
        assertEquals(0, driven.reap());
        return driven.queue.status(0);
    }

    @Test
    @Tag("virtio-1.3-5.2.6/segments")
    void asksForOneRangeAfterTheOther() throws Exception {
        ConcurrentLinkedQueue<String> asked = node.watch();
        try (DrivenDevice driven = open()) {
            begin(driven, BlkLayout.T_DISCARD, 16, false);
            assertEquals(BlkLayout.S_OK, end(driven));
            assertEquals(16, asked.size());
            assertEquals("DISCARD offsetBytes=5120 lengthBytes=1024 mayUnmap", asked.peek());
            asked.clear();
            begin(driven, BlkLayout.T_WRITE_ZEROES, 3, true);
            assertEquals(BlkLayout.S_OK, end(driven));
            assertEquals(List.of("WRITE_ZEROES offsetBytes=5120 lengthBytes=1024",
                    "WRITE_ZEROES offsetBytes=10240 lengthBytes=1024 mayUnmap",
                    "WRITE_ZEROES offsetBytes=15360 lengthBytes=1024"), List.copyOf(asked));
        }
    }

    @Test
    void hasOneRangeAtTheNodeAtATime() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        try (DrivenDevice driven = open()) {
            begin(driven, BlkLayout.T_DISCARD, 3, false);
            for (int range = 1; range <= 3; range++) {
                Plane.await("a range", () -> node.held.size() == 1);
                assertEquals(range * 5120L, node.held.peek().offsetBytes());
                assertEquals(0, driven.queue.pendingUsed());
                node.completeHeld();
                CompletableFuture.runAsync(() -> {}, ioThread).join();
            }
            assertEquals(BlkLayout.S_OK, end(driven));
        }
    }

    @Test
    @Tag("virtio-1.3-5.2.6/segment-failure")
    void endsWithTheRangeThatFails() throws Exception {
        ConcurrentLinkedQueue<String> asked = node.watch();
        try (DrivenDevice driven = open()) {
            node.failAt(2 * 5120, Errno.EIO);
            begin(driven, BlkLayout.T_DISCARD, 16, false);
            assertEquals(BlkLayout.S_IOERR, end(driven));
            assertEquals(2, asked.size());
            node.failAt(2 * 5120, Errno.EOPNOTSUPP);
            begin(driven, BlkLayout.T_WRITE_ZEROES, 16, false);
            assertEquals(BlkLayout.S_UNSUPP, end(driven));
            node.failAt(-1, 0);
            begin(driven, BlkLayout.T_DISCARD, 16, false);
            assertEquals(BlkLayout.S_OK, end(driven), "the request before is forgotten");
        }
    }

    @Test
    void asksForNoFurtherRangeOnceTheDeviceHasFailed() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        try (DrivenDevice driven = open()) {
            begin(driven, BlkLayout.T_DISCARD, 16, false);
            Plane.await("a range", () -> node.held.size() == 1);
            driven.device.actor(ioThread).tell(new DeviceActor.Failed(new RuntimeException("injected")));
            driven.failed.get(30, TimeUnit.SECONDS);
            node.completeHeld();
            CompletableFuture.runAsync(() -> {}, ioThread).join();
            assertEquals(0, node.held.size());
            assertEquals(0, driven.device.inFlight());
        }
    }

    @Test
    void aNodeThatThrowsAtALaterRangeFailsTheDeviceAndNotItsIoThread() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        try (DrivenDevice driven = open(); DrivenDevice neighbour = new DrivenDevice(plane, ioThread, new WitnessNode(), 1)) {
            begin(driven, BlkLayout.T_DISCARD, 16, false);
            Plane.await("a range", () -> node.held.size() == 1);
            node.manner = WitnessNode.Manner.THROW;
            node.completeHeld();
            assertEquals("injected", driven.failed.get(30, TimeUnit.SECONDS).getMessage());
            assertEquals(BlkLayout.S_OK, neighbour.request(BlkLayout.T_IN, 0, 512, true));
            assertFalse(neighbour.failed.isDone());
        }
    }
}
