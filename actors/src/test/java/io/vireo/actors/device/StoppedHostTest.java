package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.config.DeviceConfig;
import io.vireo.posix.Errno;
import io.vireo.posix.EventFd;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueBroken;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A device that is held back when its driver resets it, or its guest moves. */
@Timeout(60)
class StoppedHostTest {
    private static final int QUEUE_SIZE = 16;

    private final Plane plane = new Plane();
    private final IoThread ioThread = plane.ioThread("io0");
    private final WitnessNode node = new WitnessNode();
    private DeviceHost host = host(Plane.PATIENCE_NANOS);
    private final DriverMemory memory = DriverMemory.create(4 << 20);
    private final EventFd kick = EventFd.create();
    private final EventFd call = EventFd.create();
    private final DriverVirtqueue virtqueue = DriverVirtqueue.of(memory, QUEUE_SIZE, DrivenDevice.FEATURES, 8);
    private final BlkQueue queue = new BlkQueue(memory, new DriverQueue(virtqueue, kick, call), 4, 4096);

    private DeviceHost host(long drainNanosMax) {
        return new DeviceHost(
                plane.system, DeviceConfig.of("vda", "d"), node, List.of(ioThread), plane.blocking, drainNanosMax);
    }

    @BeforeEach
    void begin() {
        host.acceptFeatures(DrivenDevice.FEATURES);
        useMemory();
        start(0);
    }

    private void useMemory() {
        host.useMemory(GuestMemory.of(memory.regions().stream()
                .map(region -> new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(),
                        region.userAddress(), SharedMapping.of(() -> {})))
                .toList()), new VirtqueueAreas[1]);
    }

    @AfterEach
    void end() {
        host.reset();
        plane.close();
        kick.close();
        call.close();
        memory.close();
    }

    private void start(int base) {
        VirtqueueAreas areas = new VirtqueueAreas(
                virtqueue.descriptorAddress(), virtqueue.driverAddress(), virtqueue.deviceAddress());
        host.startQueue(0, QUEUE_SIZE, areas, base, kick, call, null, null, null);
    }

    private void write(int slot) {
        queue.start(slot, BlkLayout.T_OUT, 8L * slot, 512, false);
        queue.submit();
    }

    private int reap() {
        Plane.await("a used element", () -> queue.pendingUsed() > 0);
        return queue.status(queue.reap());
    }

    @Test
    void aResetAnswersWhatWasKeptAndLeavesADeviceThatServes() {
        node.manner = WitnessNode.Manner.FAIL;
        node.errno = Errno.ENOSPC;
        write(0);
        Plane.await("a stop", () -> host.status().state().equals("io-error"));
        assertEquals(0, queue.pendingUsed());
        assertEquals(1, host.stopQueue(0));
        assertEquals(BlkLayout.S_IOERR, reap());
        assertEquals(0, host.status().inflightRequests(), "its image may be handed over");
        assertEquals(1, host.status().reportedErrors());
        host.resetDriver();
        assertEquals("running", host.status().state());

        node.manner = WitnessNode.Manner.COMPLETE;
        host.acceptFeatures(DrivenDevice.FEATURES);
        start(1);
        write(1);
        assertEquals(BlkLayout.S_OK, reap());
    }

    @Test
    void aPauseOutlastsAReset() {
        host.quiescence().pause();
        assertEquals(0, host.stopQueue(0));
        host.resetDriver();
        host.acceptFeatures(DrivenDevice.FEATURES);
        start(0);
        write(0);
        host.quiescence().pause(); // what the IOThreads had begun they have done
        assertEquals(0, queue.pendingUsed());
        assertEquals("paused", host.status().state());
        host.quiescence().resume();
        assertEquals(BlkLayout.S_OK, reap());
    }

    @Test
    void aDrainThatIsNotAnsweredGivesUpAndLetsTheDeviceGoOn() {
        host.reset();
        host = host(100_000_000);
        begin();
        node.manner = WitnessNode.Manner.HOLD;
        write(0);
        Plane.await("a request at the node", () -> node.held.size() == 1);
        String why = assertThrows(IllegalStateException.class, host.quiescence()::drain).getMessage();
        assertTrue(why.contains("still in flight"), why);

        node.manner = WitnessNode.Manner.COMPLETE;
        write(1);
        assertEquals(BlkLayout.S_OK, reap(), "nothing holds the device back any more");
        node.completeHeld();
        assertEquals(BlkLayout.S_OK, reap());
        host.quiescence().drain();
    }

    @Test
    void whatComesBackAfterItsDriverWasGivenUpIsNotAnsweredAndKeepsOthersOutUntilThen() throws Exception {
        host.reset();
        host = host(100_000_000);
        begin();
        node.manner = WitnessNode.Manner.HOLD;
        write(0);
        Plane.await("a request at the node", () -> node.held.size() == 1);
        host.reset();
        host.acceptFeatures(DrivenDevice.FEATURES);
        useMemory();
        VirtqueueBroken broken = assertThrows(VirtqueueBroken.class, () -> start(0));
        assertEquals(VirtqueueBroken.Fault.INFLIGHT_HELD, broken.fault());

        assertEquals(1, host.status().inflightRequests());
        node.completeHeld();
        Plane.await("it to be back", () -> host.status().inflightRequests() == 0);
        assertEquals(0, queue.pendingUsed(), "a driver that is gone was answered");
        try (NativeBlock buffer = NativeBlock.allocate(Long.BYTES, Long.BYTES)) {
            assertFalse(call.clear(buffer.address()), "and called");
        }
        node.manner = WitnessNode.Manner.COMPLETE;
        Plane.await("a start", this::starts);
        assertEquals(BlkLayout.S_OK, reap(), "what the new one finds in its ring is served");
    }

    private boolean starts() {
        try {
            start(0);
            return true;
        } catch (VirtqueueBroken e) {
            return false;
        }
    }
}
