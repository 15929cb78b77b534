package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.config.DeviceConfig;
import io.vireo.posix.EventFd;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whether the node is asked for durable writes, for every driver that there can be. */
@Timeout(60)
class CacheModeTest {
    private static final long WCE = BlkLayout.F_CONFIG_WCE;
    private static final long FLUSH = BlkLayout.F_FLUSH;
    private static final int QUEUE_SIZE = 64;

    private final Plane plane = new Plane();
    private final IoThread ioThread = plane.ioThread("io0");
    private final WitnessNode node = new WitnessNode();
    private final ConcurrentLinkedQueue<String> asked = node.watch();
    private final DriverMemory memory = DriverMemory.create(1 << 20);
    private final EventFd kick = EventFd.create();
    private final EventFd call = EventFd.create();
    private DeviceHost host;
    private BlkQueue queue;

    @AfterEach
    void end() {
        if (host != null) host.reset();
        plane.close();
        kick.close();
        call.close();
        memory.close();
    }

    private void configure(boolean writeCache) {
        host = new DeviceHost(plane.system, DeviceConfig.of("vda", "d").withWriteCache(writeCache), node,
                List.of(ioThread), plane.blocking, TimeUnit.SECONDS.toNanos(30));
    }

    private void drive(long features) {
        long all = features | VirtqueueLayout.F_VERSION_1;
        host.acceptFeatures(all);
        host.useMemory(GuestMemory.of(memory.regions().stream()
                .map(region -> new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(),
                        region.userAddress(), SharedMapping.of(() -> {})))
                .toList()), new VirtqueueAreas[1]);
        DriverVirtqueue ring = DriverVirtqueue.of(memory, QUEUE_SIZE, all, 4);
        queue = new BlkQueue(memory, new DriverQueue(ring, kick, call), 4, 4096);
        host.startQueue(0, QUEUE_SIZE, new VirtqueueAreas(ring.descriptorAddress(), ring.driverAddress(), ring.deviceAddress()), 0, kick,
                call, null, null, null);
    }

    private boolean writesDurably() {
        asked.clear();
        queue.start(0, BlkLayout.T_OUT, 0, 512, false);
        queue.submit();
        Plane.await("a write", () -> queue.pendingUsed() > 0);
        queue.reap();
        assertEquals(BlkLayout.S_OK, queue.status(0));
        return asked.poll().contains("durable");
    }

    private void writeback(int value) {
        assertTrue(host.writeConfig(BlkLayout.CONFIG_WRITEBACK, new byte[] {(byte) value}));
        assertEquals(value, host.readConfig(BlkLayout.CONFIG_WRITEBACK, 1)[0]);
    }

    @Test
    @Tag("virtio-1.3-5.2.6.2/stable-without-flush")
    void isDurableForADriverThatTookNeither() {
        configure(true);
        drive(0);
        assertTrue(writesDurably());
    }

    @Test
    @Tag("virtio-1.3-5.2.5/cache-mode-flush")
    void mayStayInACacheForADriverThatFlushes() {
        configure(true);
        drive(FLUSH);
        assertFalse(writesDurably());
    }

    @Test
    @Tag("virtio-1.3-5.2.5/config-wce-without-flush")
    void isDurableAtFirstForADriverThatSwitchesAndCannotFlush() {
        configure(true);
        drive(WCE);
        assertEquals(0, host.readConfig(BlkLayout.CONFIG_WRITEBACK, 1)[0]);
        assertTrue(writesDurably());
        writeback(1);
        assertFalse(writesDurably());
    }

    @Test
    @Tag("virtio-1.3-5.2.5/cache-mode-byte")
    @Tag("virtio-1.3-5.2.6.2/stable-write-through")
    @Tag("viostor/cache-mode-byte")
    void followsTheDriversSwitchWhileItRuns() {
        configure(true);
        drive(WCE | FLUSH);
        for (int round = 0; round < 300; round++) {
            assertFalse(writesDurably(), "round " + round);
            writeback(0);
            assertTrue(writesDurably(), "round " + round);
            writeback(1);
        }
    }

    /** The write follows the switch at once, and may meet a drain that was on its way before it. */
    @Test
    @Tag("virtio-1.3-5.2.6.2/stable-write-through")
    void isDurableFromTheVeryNextWriteUnderLoad() {
        configure(true);
        drive(WCE | FLUSH);
        for (int round = 0; round < 300; round++) {
            asked.clear();
            for (int slot = 1; slot < 4; slot++) queue.start(slot, BlkLayout.T_IN, slot, 512, true);
            queue.submit();
            writeback(0);
            queue.start(0, BlkLayout.T_OUT, 0, 512, false);
            queue.submit();
            Plane.await("all of them", () -> queue.pendingUsed() == 4);
            for (int i = 0; i < 4; i++) queue.reap();
            String write = asked.stream().filter(request -> request.startsWith("WRITE")).findFirst().orElseThrow();
            assertTrue(write.contains("durable"), "round " + round);
            writeback(1);
        }
    }

    @Test
    void isDurableWhereThatIsConfiguredForWhoeverDoesNotSwitch() {
        for (long features : new long[] {0, FLUSH, WCE | FLUSH}) {
            configure(false);
            assertEquals(0, host.readConfig(BlkLayout.CONFIG_WRITEBACK, 1)[0]);
            drive(features);
            assertTrue(writesDurably());
            host.reset();
        }
        configure(false);
        drive(WCE | FLUSH);
        writeback(1);
        assertFalse(writesDurably());
    }

    @Test
    @Tag("virtio-1.3-5.2.5/cache-mode-after-reset")
    void staysWriteThroughOverAReset() {
        configure(true);
        drive(WCE | FLUSH);
        writeback(0);
        host.reset();
        assertEquals(0, host.readConfig(BlkLayout.CONFIG_WRITEBACK, 1)[0]);
        drive(WCE | FLUSH);
        assertTrue(writesDurably());
    }

    @Test
    @Tag("viostor/flush-always")
    @Tag("virtio-1.3-5.2.6.2/stable-after-flush")
    void flushesWhateverWasNegotiated() {
        configure(true);
        drive(0);
        asked.clear();
        queue.start(0, BlkLayout.T_FLUSH, 0, 0, false);
        queue.submit();
        Plane.await("a flush", () -> queue.pendingUsed() > 0);
        queue.reap();
        assertEquals(BlkLayout.S_OK, queue.status(0));
        assertEquals(1, asked.size());
    }

    @Test
    void refusesFeaturesThatWereNotOffered() {
        configure(true);
        assertThrows(IllegalArgumentException.class, () -> host.acceptFeatures(BlkLayout.F_ZONED));
    }
}
