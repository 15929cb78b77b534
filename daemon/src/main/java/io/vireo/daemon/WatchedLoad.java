package io.vireo.daemon;

import io.vireo.virtio.driver.BenchLoad;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A load on a thread of its own. It ends with its result, or as soon as the back-end is gone. */
final class WatchedLoad {
    private final BenchLoad load;
    private final BenchTarget driven;

    WatchedLoad(BenchLoad load, BenchTarget driven) {
        this.load = load;
        this.driven = driven;
    }

    /**
     * @param telling shows somebody at a terminal how it goes
     * @return a result for each disk
     * @throws OperatorException the back-end is gone; the load's thread still waits for it and uses its memory
     * @throws io.vireo.virtio.driver.DeviceFault it is there, and does not do as it should
     */
    List<BenchLoad.Result> run(long durationNanos, boolean telling) throws InterruptedException {
        CompletableFuture<List<BenchLoad.Result>> result = CompletableFuture.supplyAsync(
                () -> load.run(durationNanos), work -> Thread.ofPlatform().daemon().name("guest").start(work));
        CompletableFuture<Object> either = CompletableFuture.anyOf(result, driven.gone());
        for (long before = 0; !isDone(either); ) {
            long now = load.completedRequests();
            if (telling && System.console() != null) System.err.printf("  %,d requests/s%n", now - before);
            before = now;
        }
        if (result.isDone()) return result.join();
        throw new OperatorException(ExitStatus.FAILED, "bench: the back-end is gone: it ended the connection");
    }

    /** Waits for it, for a second. */
    private static boolean isDone(CompletableFuture<?> future) throws InterruptedException {
        try {
            future.get(1, TimeUnit.SECONDS);
            return true;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) throw cause;
            throw new IllegalStateException(e.getCause());
        }
    }
}
