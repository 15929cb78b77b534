package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.actors.device.ErrorPolicy.Action;
import io.vireo.actors.device.ErrorPolicy.OnError;
import io.vireo.actors.device.WitnessNode.Manner;
import io.vireo.actors.iothread.IoThread;
import io.vireo.posix.Errno;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.storage.node.Operation;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a driver sees of a drive that fails, by policy. */
@Timeout(60)
class DeviceErrorTest {
    private static final ErrorPolicy STOP = new ErrorPolicy(OnError.STOP, OnError.STOP);

    private final Plane plane = new Plane();
    private final IoThread ioThread = plane.ioThread("io0");
    private final WitnessNode node = new WitnessNode();
    private final Queue<String> submitted = node.watch();

    @AfterEach
    void end() {
        plane.close();
    }

    private DrivenDevice driven(ErrorPolicy errors) {
        return new DrivenDevice(plane, ioThread, node, 8, errors);
    }

    private void write(DrivenDevice driven, int slot, int bytes) {
        driven.queue.start(slot, BlkLayout.T_OUT, 8L * slot, bytes, false);
    }

    /** Lets {@code count} writes fail, and waits until the device has stopped over them. */
    private void stopOver(DrivenDevice driven, int count) {
        node.manner = Manner.FAIL;
        node.errno = Errno.ENOSPC;
        for (int slot = 0; slot < count; slot++) write(driven, slot, 512);
        driven.queue.submit();
        Plane.await("a stop", () -> driven.intake.isHeldBy(Intake.Hold.IO_ERROR));
        Plane.await("all of them at the node", () -> submitted.size() == count);
        CompletableFuture.runAsync(() -> {}, ioThread).join();
    }

    private void resume(DrivenDevice driven) {
        driven.intake.letGo(Intake.Hold.IO_ERROR);
        driven.device.resume();
    }

    @Test
    void reportsWhatThePolicyLeavesToTheDriver() throws Exception {
        node.manner = Manner.FAIL;
        try (DrivenDevice driven = driven(ErrorPolicy.DEFAULT)) {
            assertEquals(BlkLayout.S_IOERR, driven.request(BlkLayout.T_OUT, 8, 512, false));
            assertEquals(List.of(new IoError(0, Operation.WRITE, 4096, Errno.EIO, Action.REPORT)), List.copyOf(driven.ioErrors));
            assertFalse(driven.intake.isHeldBy(Intake.Hold.IO_ERROR));
        }
    }

    @Test
    void ignoresWhatIsToBeIgnored() throws Exception {
        node.manner = Manner.FAIL;
        try (DrivenDevice driven = driven(new ErrorPolicy(OnError.REPORT, OnError.IGNORE))) {
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_OUT, 0, 512, false));
            assertEquals(BlkLayout.S_OK, driven.request(BlkLayout.T_FLUSH, 0, 0, false));
            assertEquals(BlkLayout.S_IOERR, driven.request(BlkLayout.T_IN, 0, 512, true));
            assertEquals(List.of(Action.IGNORE, Action.IGNORE, Action.REPORT), driven.ioErrors.stream().map(IoError::action).toList());
        }
    }

    @Test
    void keepsWhatFailedAndTriesItAgainInItsOrderBeforeAnythingNew() throws Exception {
        try (DrivenDevice driven = driven(ErrorPolicy.DEFAULT)) {
            stopOver(driven, 3);
            List<String> failed = List.copyOf(submitted);
            assertEquals(1, driven.ioErrors.size(), "one stop is told once");
            assertEquals(Action.STOP, driven.ioErrors.peek().action());
            assertEquals(3, driven.device.inFlight());
            write(driven, 3, 512);
            driven.queue.submit();
            CompletableFuture.runAsync(() -> {}, ioThread).join();
            assertEquals(0, driven.queue.pendingUsed(), "the driver was told something");
            assertEquals(3, submitted.size(), "it took a request while it was stopped");

            submitted.clear();
            node.manner = Manner.COMPLETE;
            resume(driven);
            for (int i = 0; i < 4; i++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
            assertEquals(failed, List.copyOf(submitted).subList(0, 3));
            assertEquals(4, submitted.size());
            assertEquals(0, driven.device.inFlight());
        }
    }

    @Test
    void stopsAgainWhenTheCauseIsNotMended() throws Exception {
        try (DrivenDevice driven = driven(STOP)) {
            stopOver(driven, 2);
            for (int round = 2; round < 10; round++) {
                int stops = round;
                resume(driven);
                Plane.await("the next stop", () -> driven.ioErrors.size() == stops);
            }
            assertEquals(0, driven.queue.pendingUsed());
            node.manner = Manner.COMPLETE;
            resume(driven);
            for (int i = 0; i < 2; i++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
        }
    }

    @Test
    void triesNothingAgainWhileItIsHeldForAnyReason() throws Exception {
        try (DrivenDevice driven = driven(STOP)) {
            stopOver(driven, 1);
            driven.device.resume();
            driven.intake.hold(Intake.Hold.DRAIN);
            resume(driven);
            CompletableFuture.runAsync(() -> {}, ioThread).join();
            assertEquals(1, submitted.size());
            node.manner = Manner.COMPLETE;
            driven.intake.letGo(Intake.Hold.DRAIN);
            driven.device.resume();
            assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
        }
    }

    @Test
    void goesOnWhereARequestHadFailedHalfWay() throws Exception {
        node.manner = Manner.FAIL_HALF_WAY;
        try (DrivenDevice driven = driven(STOP)) {
            write(driven, 1, 2048);
            driven.queue.submit();
            Plane.await("a stop", () -> driven.intake.isHeldBy(Intake.Hold.IO_ERROR));
            node.manner = Manner.COMPLETE;
            resume(driven);
            assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
            assertEquals(List.of("WRITE offsetBytes=4096 lengthBytes=2048", "WRITE offsetBytes=4608 lengthBytes=1536"),
                    List.copyOf(submitted));
        }
    }

    @Test
    void goesOnWithTheRangeThatHadFailed() throws Exception {
        BlkProperties properties = new BlkProperties(
                node.sizeBytes(), 512, 512, 0, 0, 126, 0, 1, false, true, new BlkProperties.Discard(true, 64, 16, 1),
                BlkProperties.WriteZeroes.NONE, "s");
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 8, properties, STOP, DrivenDevice.FEATURES)) {
            for (int range = 0; range < 3; range++) {
                Memory.putLong(driven.queue.dataAddress(0) + 16 * range, 10L * (range + 1));
                Memory.putLong(driven.queue.dataAddress(0) + 16 * range + 8, 2);
            }
            node.failAt(2 * 5120, Errno.EIO);
            driven.queue.start(0, BlkLayout.T_DISCARD, 0, 48, false);
            driven.queue.submit();
            Plane.await("a stop", () -> driven.intake.isHeldBy(Intake.Hold.IO_ERROR));
            assertEquals(Operation.DISCARD, driven.ioErrors.peek().operation());
            node.failAt(-1, 0);
            resume(driven);
            assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
            assertEquals(List.of(5120L, 10240L, 10240L, 15360L), submitted.stream()
                    .map(said -> Long.parseLong(said.replaceAll(".*offsetBytes=(\\d+).*", "$1"))).toList());
        }
    }

    /** Later ones are done meanwhile, and shown after it. */
    @Test
    @Tag("virtio-1.3-2.7.9")
    @Tag("virtio-1.3-6.2/in-order")
    void withInOrderWhatIsKeptHoldsTheAnswersOfLaterOnesBack() throws Exception {
        try (DrivenDevice driven = new DrivenDevice(plane, ioThread, node, 8, DrivenDevice.properties(node), STOP,
                DrivenDevice.FEATURES | VirtqueueLayout.F_IN_ORDER)) {
            node.failAt(4096, Errno.EIO);
            for (int slot = 1; slot < 5; slot++) write(driven, slot, 512);
            driven.queue.submit();
            Plane.await("a stop, and the later ones done", () -> driven.device.inFlight() == 1
                    && driven.intake.isHeldBy(Intake.Hold.IO_ERROR) && driven.passage().completed() == 3);
            assertEquals(0, driven.queue.pendingUsed());
            node.failAt(-1, 0);
            resume(driven);
            for (int slot = 1; slot < 5; slot++) {
                assertEquals(slot, driven.reap());
                assertEquals(BlkLayout.S_OK, driven.queue.status(slot));
            }
        }
    }

    /** What was at the node when it stopped completes, or is kept as well. */
    @Test
    void answersWhatSucceedsWhileItIsStopped() throws Exception {
        node.manner = Manner.HOLD;
        try (DrivenDevice driven = driven(STOP)) {
            driven.read(0);
            driven.queue.submit();
            Plane.await("the node to hold it", () -> node.held.size() == 1);
            submitted.clear();
            node.manner = Manner.FAIL;
            write(driven, 1, 512);
            driven.queue.submit();
            Plane.await("a stop", () -> driven.intake.isHeldBy(Intake.Hold.IO_ERROR));
            node.completeHeld();
            assertEquals(0, driven.reap());
            node.manner = Manner.COMPLETE;
            resume(driven);
            assertEquals(1, driven.reap());
        }
    }

    @Test
    void aStoppingQueueTriesOnceMoreAndThenTellsTheDriver() throws Exception {
        try (DrivenDevice driven = driven(STOP)) {
            stopOver(driven, 2);
            assertEquals(2, driven.device.stopQueue(0).get(30, TimeUnit.SECONDS));
            assertEquals(4, submitted.size());
            for (int i = 0; i < 2; i++) assertEquals(BlkLayout.S_IOERR, driven.queue.status(driven.reap()));
        }
    }

    @Test
    void aStoppingQueueWhoseDriveIsWellAgainLosesNothing() throws Exception {
        try (DrivenDevice driven = driven(STOP)) {
            stopOver(driven, 2);
            node.manner = Manner.COMPLETE;
            assertEquals(2, driven.device.stopQueue(0).get(30, TimeUnit.SECONDS));
            for (int i = 0; i < 2; i++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
        }
    }

    @Test
    @Tag("vhost-user-INFLIGHT/failed")
    void whatFailedAndIsWrittenDownStaysInFlightForTheNextDevice() throws Exception {
        try (NativeBlock block = NativeBlock.allocate(RingFormat.SPLIT.inflightBytes(DrivenDevice.QUEUE_SIZE), 64);
                DrivenDevice driven = driven(STOP)) {
            Memory.zero(block.address(), RingFormat.SPLIT.inflightBytes(DrivenDevice.QUEUE_SIZE));
            InflightArea area = new InflightArea(block.address(), DrivenDevice.QUEUE_SIZE, SharedMapping.of(() -> {}));
            driven.device.stopQueue(0).get(30, TimeUnit.SECONDS);
            assertEquals(0, driven.start(0, area));
            stopOver(driven, 3);
            List<String> failed = List.copyOf(submitted);
            assertEquals(3, driven.device.suspendQueue(0).get(30, TimeUnit.SECONDS));
            assertEquals(3, submitted.size(), "tried again with nobody to wait for it");
            assertEquals(0, driven.queue.pendingUsed(), "the driver was told something");
            assertEquals(1, area.mapping().holds(), "held by nobody but the test");

            driven.intake.letGo(Intake.Hold.IO_ERROR);
            submitted.clear();
            node.manner = Manner.COMPLETE;
            assertEquals(3, driven.start(0, area));
            for (int i = 0; i < 3; i++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
            assertEquals(failed, List.copyOf(submitted));
        }
    }

    /** Nobody else would: where it goes on is behind them. */
    @Test
    @Tag("vhost-user-INFLIGHT/failed")
    void aQueueThatStopsAnswersFirstWhatWasInFlightBeforeItAlsoWhenItsDeviceIsHeld() throws Exception {
        try (NativeBlock block = NativeBlock.allocate(RingFormat.SPLIT.inflightBytes(DrivenDevice.QUEUE_SIZE), 64);
                DrivenDevice driven = driven(STOP)) {
            Memory.zero(block.address(), RingFormat.SPLIT.inflightBytes(DrivenDevice.QUEUE_SIZE));
            InflightArea area = new InflightArea(block.address(), DrivenDevice.QUEUE_SIZE, SharedMapping.of(() -> {}));
            driven.device.stopQueue(0).get(30, TimeUnit.SECONDS);
            driven.start(0, area);
            stopOver(driven, 2);
            driven.device.suspendQueue(0).get(30, TimeUnit.SECONDS);
            node.manner = Manner.COMPLETE;
            assertEquals(2, driven.start(0, area));
            assertEquals(2, driven.device.stopQueue(0).get(30, TimeUnit.SECONDS));
            for (int i = 0; i < 2; i++) assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
            assertEquals(0, driven.start(2, area));
        }
    }

    /** What is at the drive when the virtqueue is suspended and fails then is no driver's business either. */
    @Test
    @Tag("vhost-user-INFLIGHT/failed")
    void whatFailsWhileItsQueueIsSuspendedStaysInFlightToo() throws Exception {
        node.manner = Manner.HOLD;
        try (NativeBlock block = NativeBlock.allocate(RingFormat.SPLIT.inflightBytes(DrivenDevice.QUEUE_SIZE), 64);
                DrivenDevice driven = driven(STOP)) {
            Memory.zero(block.address(), RingFormat.SPLIT.inflightBytes(DrivenDevice.QUEUE_SIZE));
            InflightArea area = new InflightArea(block.address(), DrivenDevice.QUEUE_SIZE, SharedMapping.of(() -> {}));
            driven.device.stopQueue(0).get(30, TimeUnit.SECONDS);
            driven.start(0, area);
            write(driven, 0, 512);
            driven.queue.submit();
            Plane.await("the node to hold it", () -> node.held.size() == 1);
            CompletableFuture<Integer> suspended = driven.device.suspendQueue(0);
            node.failHeld(Errno.ENOSPC);
            assertEquals(1, suspended.get(30, TimeUnit.SECONDS));
            assertEquals(0, driven.queue.pendingUsed(), "the driver was told something");
            node.manner = Manner.COMPLETE;
            assertEquals(1, driven.start(0, area));
            assertEquals(BlkLayout.S_OK, driven.queue.status(driven.reap()));
        }
    }

    @Test
    void aDeviceThatFailsWhileItIsStoppedGivesEverythingBack() throws Exception {
        try (DrivenDevice driven = driven(STOP)) {
            stopOver(driven, 2);
            driven.device.actor(ioThread).tell(new DeviceActor.Failed(new RuntimeException("injected")));
            driven.failed.get(30, TimeUnit.SECONDS);
            driven.device.close().get(30, TimeUnit.SECONDS);
            assertEquals(0, driven.device.inFlight());
            resume(driven);
        }
    }

    @Test
    void nobodyWaitsForADeviceThatIsStoppedToBecomeIdle() throws Exception {
        node.manner = Manner.HOLD;
        try (DrivenDevice driven = driven(STOP)) {
            stopOver(driven, 1);
            CompletionException refused = assertThrows(CompletionException.class, () -> driven.device.whenIdle().join());
            assertTrue(refused.getMessage().contains("resume first"), refused.getMessage());
        }
    }

    @Test
    void aNeighbourServesOn() throws Exception {
        try (DrivenDevice driven = driven(STOP); DrivenDevice neighbour = new DrivenDevice(plane, ioThread, new WitnessNode(), 4)) {
            stopOver(driven, 2);
            for (int i = 0; i < 1000; i++) assertEquals(BlkLayout.S_OK, neighbour.request(BlkLayout.T_IN, 0, 512, true));
        }
    }
}
