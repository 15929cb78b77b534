package io.vireo.actors.device;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.iothread.IoThreadDispatcher;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.config.IoThreadConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** What devices under test run on: an ActorSystem and IOThreads. */
final class Plane implements AutoCloseable {
    /** What takes longer on a loaded machine is lost, not slow. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    final ActorSystem<Void> system = PrivateActorSystem.start("device-test");
    final ExecutorService blocking = Executors.newCachedThreadPool();
    private final List<IoThread> ioThreads = new ArrayList<>();

    IoThread ioThread(String name) {
        return ioThread(IoThreadConfig.of(name), true);
    }

    IoThread ioThread(IoThreadConfig config, boolean uring) {
        IoThread ioThread = new IoThread(config, blocking, uring);
        ioThread.start();
        IoThreadDispatcher.register(system, ioThread);
        ioThreads.add(ioThread);
        return ioThread;
    }

    /** Looks again and again until it is so. */
    static void await(String what, BooleanSupplier condition) {
        long giveUp = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - giveUp > 0) throw new AssertionError("in vain: " + what);
            Thread.yield();
        }
    }

    @Override
    public void close() {
        ioThreads.forEach(IoThread::stop);
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().orTimeout(PATIENCE_NANOS, TimeUnit.NANOSECONDS).join();
        blocking.shutdown();
    }
}
