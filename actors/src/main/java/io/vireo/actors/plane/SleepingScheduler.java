package io.vireo.actors.plane;

import akka.actor.AbstractScheduler;
import akka.actor.Cancellable;
import akka.actor.Scheduler;
import akka.event.LoggingAdapter;
import com.typesafe.config.Config;
import java.io.Closeable;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import scala.concurrent.ExecutionContext;
import scala.concurrent.duration.FiniteDuration;

/**
 * A scheduler for ActorSystems that hardly need one: it sleeps until something is due. Akka's own turns a wheel, which
 * wakes an idle process at every tick and keeps a system that ends waiting for the next.
 *
 * <p>Named in the configuration and made by Akka. Thread: any.
 */
public final class SleepingScheduler extends AbstractScheduler implements Closeable {
    private final ScheduledThreadPoolExecutor timer;
    /** What Akka wants to have run, due or not, when the system ends: its dispatchers' own ends. */
    private final Set<Runnable> runOnClose = ConcurrentHashMap.newKeySet();

    /** As Akka wants it. */
    public SleepingScheduler(Config config, LoggingAdapter log, ThreadFactory threads) {
        timer = new ScheduledThreadPoolExecutor(1, threads);
        timer.setRemoveOnCancelPolicy(true);
    }

    @Override
    @SuppressWarnings("deprecation") // to call, not to implement: Akka's own newer methods come down to it
    public Cancellable schedule(
            FiniteDuration initialDelay, FiniteDuration interval, Runnable runnable, ExecutionContext executor) {
        return cancellable(timer.scheduleAtFixedRate(
                () -> executor.execute(runnable), initialDelay.toNanos(), interval.toNanos(), TimeUnit.NANOSECONDS));
    }

    @Override
    public Cancellable scheduleOnce(FiniteDuration delay, Runnable runnable, ExecutionContext executor) {
        boolean anyway = runnable instanceof Scheduler.TaskRunOnClose;
        if (anyway) runOnClose.add(runnable);
        try {
            return cancellable(timer.schedule(() -> {
                if (!anyway || runOnClose.remove(runnable)) executor.execute(runnable);
            }, delay.toNanos(), TimeUnit.NANOSECONDS));
        } catch (RejectedExecutionException e) {
            runOnClose.remove(runnable);
            throw new IllegalStateException("cannot enqueue after timer shutdown", e); // Akka's words, which it looks for
        }
    }

    @Override
    public double maxFrequency() {
        return 1e6;
    }

    @Override
    public void close() {
        timer.shutdownNow();
        for (Runnable left : runOnClose) if (runOnClose.remove(left)) left.run();
    }

    private static Cancellable cancellable(Future<?> future) {
        return new Cancellable() {
            @Override
            public boolean cancel() {
                return future.cancel(false);
            }

            @Override
            public boolean isCancelled() {
                return future.isCancelled();
            }
        };
    }
}
