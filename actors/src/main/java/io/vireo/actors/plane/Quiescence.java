package io.vireo.actors.plane;

import io.vireo.actors.device.Device;
import io.vireo.actors.device.Intake;
import io.vireo.actors.iothread.IoThread;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Has a configured device take nothing for a while, and does what wants that. Thread: any but an IOThread; those who
 * drain wait for each other.
 */
final class Quiescence {
    private final Intake intake;
    private final List<IoThread> ioThreads;
    private final Supplier<Device> device;
    private final long drainNanosMax;

    /** @param device the one that a driver uses now, or null */
    Quiescence(Intake intake, List<IoThread> ioThreads, Supplier<Device> device, long drainNanosMax) {
        this.intake = intake;
        this.ioThreads = ioThreads;
        this.device = device;
        this.drainNanosMax = drainNanosMax;
    }

    /** As {@link DeviceHost#pause}. */
    void pause() {
        refuseWhileHandedOver();
        intake.hold(Intake.Hold.PAUSE);
        awaitTurn();
    }

    /** As {@link #pause}; completes when nothing is in flight but what has failed and is kept. */
    CompletableFuture<Void> quiesce() {
        pause();
        Device used = device.get();
        return used == null ? CompletableFuture.completedFuture(null) : used.whenQuiet();
    }

    /** As {@link DeviceHost#offer}. */
    CompletableFuture<Void> offer() {
        intake.hold(Intake.Hold.HAND_OVER);
        CompletableFuture<?>[] turns = Set.copyOf(ioThreads).stream()
                .map(ioThread -> CompletableFuture.runAsync(() -> {}, ioThread)).toArray(CompletableFuture[]::new);
        return CompletableFuture.allOf(turns).thenCompose(_ -> {
            Device used = device.get();
            return used == null ? CompletableFuture.completedFuture(null) : used.whenQuiet();
        });
    }

    /** As {@link DeviceHost#withdraw}. */
    void withdraw() {
        intake.letGo(Intake.Hold.HAND_OVER);
        lookAgain();
    }

    /** What is said now the other process does not hear. */
    private void refuseWhileHandedOver() {
        if (intake.isHeldBy(Intake.Hold.HAND_OVER)) throw new IllegalStateException("it is being handed to another process");
    }

    /** As {@link DeviceHost#resume}. */
    void resume() {
        refuseWhileHandedOver();
        intake.letGo(Intake.Hold.PAUSE);
        intake.letGo(Intake.Hold.IO_ERROR);
        lookAgain();
    }

    /**
     * Takes nothing until what is in flight is answered, does {@code action}, and goes on.
     *
     * @throws IllegalStateException it does not become idle in time, or not at all; it goes on all the same
     */
    void whileIdle(Runnable action) {
        whenIdle(action, true);
    }

    /**
     * As {@link #whileIdle}, but takes nothing any more afterwards.
     *
     * @throws IllegalStateException it does not become idle, or {@code action} says so: then it goes on
     */
    void cease(Runnable action) {
        whenIdle(action, false);
    }

    private synchronized void whenIdle(Runnable action, boolean goesOn) {
        refuseWhileHandedOver();
        boolean over = false;
        intake.hold(Intake.Hold.DRAIN);
        try {
            if (intake.isHeldBy(Intake.Hold.IO_ERROR)) {
                throw new IllegalStateException("it is stopped by an I/O error: resume first");
            }
            awaitTurn();
            Device used = device.get();
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
        for (IoThread ioThread : Set.copyOf(ioThreads)) CompletableFuture.runAsync(() -> {}, ioThread).join();
    }

    private void lookAgain() {
        Device used = device.get();
        if (used != null) used.resume();
    }
}
