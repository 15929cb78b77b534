package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.actors.iothread.IoThread;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.posix.PosixFile;
import io.vireo.storage.nullco.NullNode;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.queue.VirtqueueAreas;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DeviceTest {
    private final Plane plane = new Plane();
    private final IoThread ioThread = plane.ioThread("io0");
    private final WitnessNode node = new WitnessNode();

    @AfterEach
    void end() {
        plane.close();
    }

    @Test
    @Tag("virtio-1.3-2.7.8.2/len-written")
    void answersRequestsWithDataStatusAndLength() throws Exception {
        NullNode zeroes = new NullNode("zeroes", new NullNode.Options(1 << 20, false, true, 0));
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, zeroes, 4)) {
            long data = driven.queue.dataAddress(0);
            Memory.fill(data, DrivenDevice.BLOCK_BYTES, 0xEE);
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_IN, 1, 1024, true));
            assertEquals(1025, driven.queue.queue().virtqueue().usedLengthBytes());
            for (int i = 0; i < 1024; i++) assertEquals(0, Memory.getU8(data + i));
            assertEquals(0xEE, Memory.getU8(data + 1024));

            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_OUT, 2, 512, false));
            assertEquals(1, driven.queue.queue().virtqueue().usedLengthBytes());
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_FLUSH, 0, 0, false));
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_GET_ID, 0, BlkLayout.ID_BYTES, true));
            byte[] serial = new byte[DrivenDevice.SERIAL.length()];
            Memory.copy(data, serial, 0, serial.length);
            assertEquals(DrivenDevice.SERIAL, new String(serial));
            assertEquals(BlkLayout.S_UNSUPP, driven.request(77, 0, 512, true));
            assertEquals(BlkLayout.S_IOERR, driven.request(BlkLayout.T_IN, 1 << 20, 512, true));
        }
    }

    @Test
    void reportsTheNodesErrorToTheDriverAndToItsListener() throws Exception {
        node.manner = WitnessNode.Manner.FAIL;
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 1)) {
            assertEquals(BlkLayout.S_IOERR, driven.request(BlkLayout.T_IN, 0, 512, true));
            assertSame(ioThread.thread(), driven.completedOn);
        }
    }

    @Test
    void takesEveryRequestPastDeviceActorPipelineAndInterruptActorOnOneThread() throws Exception {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 64)) {
            for (int round = 0; round < 100; round++) {
                for (int slot = 0; slot < 64; slot++) driven.read(slot);
                driven.queue.submit();
                for (int i = 0; i < 64; i++) driven.reap();
            }
            Passage passage = driven.passage();
            Plane.await("the interrupt actor", () -> passage.decided() == 6_400);
            assertEquals(6_400, passage.drained());
            assertEquals(6_400, passage.submitted());
            assertEquals(6_400, passage.completed());
            assertEquals(Set.of(ioThread.thread()), node.submitters);
            Set<String> stations = Stations.dispatchedBy(driven.device.actor(ioThread), ioThread.dispatcher());
            assertEquals(Set.of("device", "pipeline", "interrupt"), stations);
        }
    }

    @Test
    void callsADriverThatSleeps() throws Exception {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 1)) {
            for (int i = 0; i < 100; i++) {
                driven.read(0);
                driven.queue.submit();
                assertTrue(driven.awaitCall());
                assertEquals(0, driven.queue.reap());
            }
        }
    }

    /** Of what a sleeping driver is called for, half is held back for a moment, and the device may be left to its kicks. */
    @Test
    void showsEverythingInTheEndToADriverThatAsksForNothingMore() throws Exception {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 64)) {
            for (int round = 0; round < 50; round++) {
                node.manner = WitnessNode.Manner.HOLD;
                driven.queue.queue().virtqueue().armCall();
                hold(driven, 64);
                long idle = ioThread.counters().idleNanos(System.nanoTime()) + 2_000_000;
                Plane.await("a long sleep", () -> ioThread.counters().idleNanos(System.nanoTime()) > idle);
                CompletableFuture.runAsync(() -> {}, ioThread).join(); // a turn in which the idle device is left to its kicks
                node.completeHeld();
                Plane.await("all that is done", () -> driven.queue.pendingUsed() == 64);
                for (int i = 0; i < 64; i++) driven.queue.reap();
            }
        }
    }

    @Test
    void stopsAQueueAtTheNextAvailIndexAndGoesOnFromThere() throws Exception {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4)) {
            for (int i = 0; i < 3; i++) driven.request(BlkLayout.T_IN, 0, 512, true);
            assertTrue(driven.device.isRunning(0));
            assertEquals(3, stop(driven));
            assertFalse(driven.device.isRunning(0));
            driven.start(3);
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_IN, 0, 512, true));
            assertEquals(4, stop(driven));
        }
    }

    @Test
    void stopsAQueueOnlyWhenWhatIsInFlightIsInItsUsedRingAndCalledFor() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4)) {
            driven.queue.queue().virtqueue().armCall();
            hold(driven, 2);
            CompletableFuture<Integer> stopped = driven.device.stopQueue(0);
            CompletableFuture<Integer> stoppedAgain = driven.device.stopQueue(0);
            CompletableFuture.runAsync(() -> {}, ioThread).join();
            assertFalse(stopped.isDone());
            assertFalse(stoppedAgain.isDone());
            assertEquals(2, driven.device.inFlight());
            node.completeHeld();
            assertEquals(2, stopped.get(30, TimeUnit.SECONDS));
            assertEquals(2, stoppedAgain.get(30, TimeUnit.SECONDS));
            assertEquals(2, driven.queue.pendingUsed());
            assertTrue(driven.isCalled(0));
            assertEquals(2, driven.passage().decided());
        }
    }

    @Test
    void takesNothingWhileItsIntakeIsHeldAndEverythingWhenItIsLetGo() throws Exception {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4);
                DrivenDevice neighbour = new DrivenDevice(plane, ioThread, new WitnessNode(), 4)) {
            for (int round = 0; round < 200; round++) {
                driven.intake.hold(Intake.Hold.PAUSE);
                CompletableFuture.runAsync(() -> {}, ioThread).join();
                long drained = driven.passage().drained();
                for (int slot = 0; slot < 4; slot++) driven.read(slot);
                driven.queue.submit();
                assertServes(neighbour);
                if (round % 10 == 0) awaitSleep();
                assertEquals(drained, driven.passage().drained());
                driven.intake.letGo(Intake.Hold.PAUSE);
                driven.device.resume();
                for (int slot = 0; slot < 4; slot++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
            }
        }
    }

    @Test
    void isIdleWhenTheLastRequestIsAnswered() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4)) {
            assertTrue(driven.device.whenIdle().orTimeout(30, TimeUnit.SECONDS).thenApply(_ -> true).join());
            hold(driven, 3);
            driven.intake.hold(Intake.Hold.DRAIN);
            CompletableFuture<Void> idle = driven.device.whenIdle();
            CompletableFuture.runAsync(() -> {}, ioThread).join();
            assertFalse(idle.isDone());
            node.completeHeld();
            idle.get(30, TimeUnit.SECONDS);
            assertEquals(3, driven.queue.pendingUsed());
        }
    }

    @Test
    void takesNoMoreAtATimeThanItMayAndTheRestWhenThatIsAnswered() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 64, 5)) {
            for (int slot = 0; slot < 64; slot++) driven.read(slot);
            driven.queue.submit();
            for (int answered = 0; answered < 64; ) {
                int expected = Math.min(5, 64 - answered);
                Plane.await("the node to hold them", () -> node.held.size() == expected);
                awaitSleep();
                assertEquals(expected, node.held.size(), "and no more");
                node.completeHeld();
                for (int i = 0; i < expected; i++, answered++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
            }
            node.manner = WitnessNode.Manner.COMPLETE;
            assertServes(driven);
        }
    }

    /** The flag belongs to both, and so does the count. */
    @Test
    void doesNotWaitForADriverWhoseCallIsFullAndBlocks() throws Exception {
        try (DrivenDevice hostile = new DrivenDevice(plane, ioThread, node, 4);
                DrivenDevice neighbour = new DrivenDevice(plane, ioThread, new WitnessNode(), 4)) {
            Calls.makeBlockingAndFull(hostile.call);
            hostile.queue.queue().virtqueue().armCall();
            hostile.read(0);
            hostile.queue.submit();
            Plane.await("the interrupt actor", () -> hostile.passage().decided() == 1);
            assertServes(neighbour);
        }
    }

    @Test
    void givesMemoryBackThatADeadActorCouldNotTake() throws Exception {
        try (DrivenDevice victim = new DrivenDevice(plane, ioThread, node, 4)) {
            victim.device.actor(ioThread).tell(new DeviceActor.Failed(new RuntimeException("injected")));
            victim.failed.get(30, TimeUnit.SECONDS);
            for (int i = 0; i < 10; i++) victim.device.useMemory(victim.guestMemory(), new VirtqueueAreas[1]);
            Plane.await("the memory back", () -> victim.memoryReleases.get() == 10);
            stop(victim);
            victim.start(0);
            assertFalse(victim.device.isRunning(0), "nobody serves it");
        }
    }

    /** A held device with requests in its ring must not keep its IOThread awake. */
    private void awaitSleep() {
        long idle = ioThread.counters().idleNanos(System.nanoTime()) + 500_000;
        Plane.await("a sleep", () -> ioThread.counters().idleNanos(System.nanoTime()) > idle);
    }

    @Test
    void closesOnlyWhenTheNodeHasAnsweredAndThenGivesMemoryAndChannelBack() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4);
        hold(driven, 3);
        CompletableFuture<Integer> stopped = driven.device.stopQueue(0);
        CompletableFuture<Void> closed = driven.device.close();
        CompletableFuture.runAsync(() -> {}, ioThread).join();
        assertFalse(closed.isDone());
        assertFalse(node.channelClosed);
        assertEquals(0, driven.memoryReleases.get());
        node.completeHeld();
        closed.get(30, TimeUnit.SECONDS);
        assertTrue(stopped.isDone());
        assertEquals(3, driven.queue.pendingUsed());
        assertTrue(node.channelClosed);
        Plane.await("the guest's memory back", () -> driven.memoryReleases.get() == 1);
    }

    @Test
    void givesReplacedMemoryBackWhenItsLastRequestIsAnswered() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4)) {
            hold(driven, 1);
            driven.device.useMemory(driven.guestMemory(), new VirtqueueAreas[1]);
            assertEquals(0, driven.memoryReleases.get());
            node.completeHeld();
            assertEquals(0, driven.reap());
            Plane.await("the replaced memory back", () -> driven.memoryReleases.get() == 1);
        }
    }

    /** Their data arrives after the front-end copied the page for the first time. */
    @Test
    @Tag("vhost-user-LOG_SHMFD")
    void logsWhatRequestsWriteThatWereInFlightWhenLoggingBegan() throws Exception {
        try (NativeBlock bitmap = NativeBlock.allocate(1 << 20, 8);
                DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4)) {
            node.manner = WitnessNode.Manner.HOLD;
            hold(driven, 1);
            node.held.peek().data().advance(100); // as after a short read
            driven.device.logWrites(new DirtyLog(bitmap.address(), bitmap.sizeBytes(), null));
            long page = driven.queue.dataGpa(0) / DirtyLog.PAGE_BYTES;
            assertEquals(0, Memory.getU8(bitmap.address() + page / 8));
            node.completeHeld();
            driven.reap();
            assertEquals(1 << page % 8, Memory.getU8(bitmap.address() + page / 8) & 1 << page % 8);
        }
    }

    @Test
    void aDeviceWhoseActorFailsStopsAloneAndTellsItsListener() throws Exception {
        try (DrivenDevice victim = new DrivenDevice(plane, ioThread, node, 4);
                DrivenDevice neighbour = new DrivenDevice(plane, ioThread, new WitnessNode(), 4)) {
            RuntimeException injected = new RuntimeException("injected");
            victim.device.actor(ioThread).tell(new DeviceActor.Failed(injected));
            assertSame(injected, victim.failed.get(30, TimeUnit.SECONDS));
            assertServesNothing(victim);
            assertServes(neighbour);
        }
    }

    @Test
    void announcesTheReadsAndWritesOfABatchAndNoneThatIsAlone() {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 4)) {
            driven.read(3);
            driven.queue.submit();
            Plane.await("the one", () -> driven.queue.pendingUsed() == 1);
            assertEquals(List.of(), List.copyOf(node.announced));
            driven.queue.reap();
            for (int slot = 0; slot < 3; slot++) driven.read(slot);
            driven.queue.start(3, BlkLayout.T_FLUSH, 9, 0, true);
            driven.queue.submit();
            Plane.await("the batch", () -> driven.queue.pendingUsed() == 4);
            assertEquals(List.of(0L, 512L, 1024L), List.copyOf(node.announced));
        }
    }

    @Test
    void aDeviceWhosePipelineFailsStopsAloneAndTellsItsListener() throws Exception {
        try (DrivenDevice victim = new DrivenDevice(plane, ioThread, node, 4);
                DrivenDevice neighbour = new DrivenDevice(plane, ioThread, new WitnessNode(), 4)) {
            node.manner = WitnessNode.Manner.THROW;
            victim.read(0);
            victim.queue.submit();
            assertEquals("injected", victim.failed.get(30, TimeUnit.SECONDS).getMessage());
            assertServesNothing(victim);
            assertServes(neighbour);
        }
    }

    @Test
    void aDeviceWhoseInterruptActorFailsStopsAloneAndTellsItsListener() throws Exception {
        try (DrivenDevice victim = new DrivenDevice(plane, ioThread, node, 4);
                DrivenDevice neighbour = new DrivenDevice(plane, ioThread, new WitnessNode(), 4)) {
            victim.call.close();
            victim.read(0);
            victim.queue.submit();
            assertEquals("descriptor is closed", victim.failed.get(30, TimeUnit.SECONDS).getMessage());
            assertEquals(0, victim.reap(), "answered, only the call failed");
            assertServesNothing(victim);
            assertServes(neighbour);
        }
    }

    /** In compiled code, at any moment of a batch, again and again: HotSpot reports such a fault late. */
    @Test
    void aDeviceWhoseMemoryGoesInTheMiddleOfItStopsAloneAndTellsItsListener() throws Exception {
        NullNode zeroes = new NullNode("zeroes", new NullNode.Options(1 << 20, false, true, 0));
        try (DrivenDevice neighbour = new DrivenDevice(plane, ioThread, zeroes, 64)) {
            for (int i = 0; i < 1_000; i++) assertServesABatch(neighbour);
            for (int round = 0; round < 40; round++) {
                try (DrivenDevice victim = new DrivenDevice(plane, ioThread, zeroes, 64)) {
                    assertServesABatch(victim);
                    for (int slot = 0; slot < 64; slot++) victim.read(slot);
                    victim.queue.submit();
                    long cut = System.nanoTime() + 500L * round;
                    while (System.nanoTime() - cut < 0) Thread.onSpinWait();
                    PosixFile.truncate(victim.memory.regions().getFirst().fd(), 0);
                    victim.queue.queue().kick().signal();
                    assertEquals(GuestMemoryLost.class, victim.failed.get(30, TimeUnit.SECONDS).getClass());
                    assertServesABatch(neighbour);
                }
            }
        }
    }

    private static void assertServesABatch(DrivenDevice driven) {
        for (int slot = 0; slot < 64; slot++) driven.read(slot);
        driven.queue.submit();
        for (int i = 0; i < 64; i++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
        assertFalse(driven.failed.isDone());
    }

    @Test
    void aDeviceThatFailedClosesOnceTheNodeHasAnswered() throws Exception {
        node.manner = WitnessNode.Manner.HOLD;
        DrivenDevice victim = new DrivenDevice(plane, ioThread, node, 4);
        hold(victim, 2);
        victim.device.actor(ioThread).tell(new DeviceActor.Failed(new RuntimeException("injected")));
        victim.failed.get(30, TimeUnit.SECONDS);
        CompletableFuture<Void> closed = victim.device.close();
        CompletableFuture.runAsync(() -> {}, ioThread).join();
        assertFalse(closed.isDone());
        node.completeHeld();
        closed.get(30, TimeUnit.SECONDS);
        assertEquals(0, victim.queue.pendingUsed());
    }

    private void hold(DrivenDevice driven, int requests) {
        for (int slot = 0; slot < requests; slot++) driven.read(slot);
        driven.queue.submit();
        Plane.await("the node to hold them", () -> node.held.size() == requests);
    }

    private static int stop(DrivenDevice driven) throws Exception {
        return driven.device.stopQueue(0).get(30, TimeUnit.SECONDS);
    }

    private static void assertServes(DrivenDevice driven) {
        for (int i = 0; i < 100; i++) assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_IN, 0, 512, true));
        assertFalse(driven.failed.isDone());
    }

    private void assertServesNothing(DrivenDevice driven) {
        long drained = driven.passage().drained();
        driven.read(3);
        driven.queue.submit();
        CompletableFuture.runAsync(() -> {}, ioThread).join();
        assertEquals(drained, driven.passage().drained());
        assertEquals(0, driven.queue.pendingUsed());
        assertEquals(0, driven.device.inFlight());
    }

    /** A driver that knows of no zones is told of none, whatever the size. */
    @Test
    void goesOnJudgingByWhatItsDriverAcceptedAtAnotherSize() throws Exception {
        BlkProperties small = DrivenDevice.properties(node).withCapacityBytes(512 << 10)
                .with(BlkProperties.SecureErase.NONE, false, new BlkProperties.Zoned(BlkLayout.Z_HA, 256, 3, 4, 128, 512));
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 1, small)) {
            assertEquals(BlkLayout.S_IOERR, driven.request(BlkLayout.T_IN, 1024, 512, true));
            driven.device.resized(small.withCapacityBytes(WitnessNode.SIZE_BYTES));
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_IN, 1024, 512, true));
            assertEquals(BlkLayout.S_UNSUPP, driven.request(BlkLayout.T_ZONE_REPORT, 0, 512, true));
            driven.device.accept(DrivenDevice.FEATURES | BlkLayout.F_ZONED, true);
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_ZONE_REPORT, 0, 512, true));
            driven.device.resized(small);
            assertEquals(BlkLayout.S_IOERR, driven.request(BlkLayout.T_IN, 1024, 512, true));
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_ZONE_REPORT, 0, 512, true));
        }
    }
}
