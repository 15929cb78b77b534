package io.vireo.actors.plane;

import io.vireo.actors.device.Device;
import io.vireo.actors.device.Intake;
import io.vireo.actors.iothread.IoThread;
import io.vireo.posix.Errno;
import io.vireo.storage.node.BlockNode;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Has a configured device take nothing for a while, and does what wants that. Thread: any but an IOThread; those who
 * drain wait for each other.
 */
public final class Quiescence {
    private final DeviceHost host;
    private final BlockNode node;
    private final Intake intake;
    private final Executor blocking;
    private final long drainNanosMax;

    Quiescence(DeviceHost host, BlockNode node, Intake intake, Executor blocking, long drainNanosMax) {
        this.host = host;
        this.node = node;
        this.intake = intake;
        this.blocking = blocking;
        this.drainNanosMax = drainNanosMax;
    }

    /** Takes nothing more from the rings until {@link #resume}, whoever drives the device; what is in flight goes on. */
    public void pause() {
        refuseWhileHandedOver();
        intake.hold(Intake.Hold.PAUSE);
        awaitTurn();
    }

    /** Takes requests again after {@link #pause} or a stop, those first that have failed, in their order. */
    public void resume() {
        refuseWhileHandedOver();
        intake.letGo(Intake.Hold.PAUSE);
        intake.letGo(Intake.Hold.IO_ERROR);
        lookAgain();
    }

    /**
     * Takes nothing until what is in flight is answered, then flushes the drive, and goes on.
     *
     * @throws IllegalStateException it cannot be drained, or the flush failed; it goes on all the same
     */
    public void drain() {
        whileIdle(this::flush);
    }

    /**
     * Takes nothing any more, for good, once what is in flight is answered and the drive is flushed.
     *
     * @throws IllegalStateException it cannot be drained, or the flush failed; it goes on
     */
    void cease() {
        whenIdle(this::flush, false);
    }

    /**
     * As {@link #pause}; completes when nothing is in flight any more but requests that have failed and are kept, every
     * call was made and the drive was flushed, which stays so until {@link #resume}. Completes exceptionally when that will
     * not be, and is paused all the same.
     */
    public CompletableFuture<Void> quiesce() {
        pause();
        return whenQuiet().thenRun(this::refuseKeptInOrder).thenCompose(_ -> flushing()).thenAcceptAsync(this::judgeFlush, blocking);
    }

    /**
     * Takes nothing, so that another process can go on with what is connected. Completes when nothing is in flight here but
     * requests that have failed and are kept, and every call was made; exceptionally when that will not be. It is not flushed:
     * who goes on has the same file.
     */
    CompletableFuture<Void> offer() {
        intake.hold(Intake.Hold.HAND_OVER);
        CompletableFuture<?>[] turns = Set.copyOf(host.ioThreadOfQueue()).stream()
                .map(ioThread -> CompletableFuture.runAsync(() -> {}, ioThread)).toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(turns).thenCompose(_ -> whenQuiet()).thenRun(() -> {
            if (!host.lost().isEmpty()) throw new IllegalStateException("requests of an earlier driver are still in flight");
            refuseKeptInOrder();
        });
    }

    /** Goes on after {@link #offer}, or begins to. */
    void withdraw() {
        intake.letGo(Intake.Hold.HAND_OVER);
        lookAgain();
    }

    /** Takes nothing any more, for good. */
    void takeNoMore() {
        intake.hold(Intake.Hold.DRAIN);
    }

    /** Takes nothing until {@link #withdraw}, whatever is started. */
    void waitForGo() {
        intake.hold(Intake.Hold.HAND_OVER);
    }

    boolean isPaused() {
        return intake.isHeldBy(Intake.Hold.PAUSE);
    }

    /** The device was paused where it comes from. */
    void beginPaused() {
        intake.hold(Intake.Hold.PAUSE);
    }

    /**
     * Takes nothing until what is in flight is answered, does {@code action}, and goes on.
     *
     * @throws IllegalStateException it does not become idle in time, or not at all; it goes on all the same
     */
    void whileIdle(Runnable action) {
        whenIdle(action, true);
    }

    private CompletableFuture<Void> whenQuiet() {
        Device used = host.device();
        return used == null ? CompletableFuture.completedFuture(null) : used.whenQuiet();
    }

    /** What was used behind a kept request waits for it, unseen by the driver, and would be lost. */
    private void refuseKeptInOrder() {
        Device used = host.device();
        if ((host.acceptedFeatures() & VirtqueueLayout.F_IN_ORDER) == 0 || used == null || used.inFlight() == 0) return;
        throw new IllegalStateException(
                "it is stopped by an I/O error, and its driver wants requests used in order: resume first");
    }

    private void flush() {
        judgeFlush(flushing().orTimeout(drainNanosMax, TimeUnit.NANOSECONDS).join());
    }

    private CompletableFuture<Integer> flushing() {
        return DriveFlush.on(node, host.ioThreadOfQueue().getFirst()).copy();
    }

    private void judgeFlush(int errno) {
        if (errno != 0) throw new IllegalStateException("the flush failed: " + Errno.describe(errno));
    }

    /** What is said now the other process does not hear. */
    private void refuseWhileHandedOver() {
        if (intake.isHeldBy(Intake.Hold.HAND_OVER)) throw new IllegalStateException("it is being handed to another process");
    }

    /** @param goesOn whether it takes requests again afterwards, if {@code action} did not fail */
    private synchronized void whenIdle(Runnable action, boolean goesOn) {
        refuseWhileHandedOver();
        boolean over = false;
        intake.hold(Intake.Hold.DRAIN);
        try {
            if (intake.isHeldBy(Intake.Hold.IO_ERROR)) {
                throw new IllegalStateException("it is stopped by an I/O error: resume first");
            }
            awaitTurn();
            Device used = host.device();
            if (used != null) used.whenIdle().copy().orTimeout(drainNanosMax, TimeUnit.NANOSECONDS).join();
            action.run();
            over = !goesOn;
        } catch (CompletionException e) {
            if (!(e.getCause() instanceof TimeoutException)) throw new IllegalStateException(e.getCause().getMessage());
            throw new IllegalStateException("requests are still in flight, or a flush is, after "
                    + TimeUnit.NANOSECONDS.toSeconds(drainNanosMax) + " s");
        } finally {
            if (!over) {
                intake.letGo(Intake.Hold.DRAIN);
                lookAgain();
            }
        }
    }

    /** What an IOThread had begun to take when the intake was held, it has taken. */
    private void awaitTurn() {
        for (IoThread ioThread : Set.copyOf(host.ioThreadOfQueue())) CompletableFuture.runAsync(() -> {}, ioThread).join();
    }

    private void lookAgain() {
        Device used = host.device();
        if (used != null) used.resume();
    }
}
