package io.vireo.actors.iothread;

import akka.actor.typed.ActorSystem;
import akka.dispatch.Dispatcher;
import akka.dispatch.DispatcherPrerequisites;
import akka.dispatch.ExecutorServiceConfigurator;
import akka.dispatch.ExecutorServiceFactory;
import akka.dispatch.MessageDispatcher;
import akka.dispatch.MessageDispatcherConfigurator;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import java.util.List;
import java.util.Map;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import scala.concurrent.duration.Duration;
import scala.concurrent.duration.FiniteDuration;

/**
 * Makes an IOThread a dispatcher of a running ActorSystem: actors and streams that name it run on that one thread.
 *
 * <p>Akka's own PinnedDispatcher gives each actor a thread; here all of a thread's devices share it, and so does their
 * I/O.
 */
public final class IoThreadDispatcher {
    /** Messages of one mailbox in a row before the loop looks at anything else. */
    private static final int THROUGHPUT = 8;
    /** Akka ends the executor of a dispatcher without actors; ours ends with its IOThread only. */
    private static final FiniteDuration SHUTDOWN_TIMEOUT = FiniteDuration.create(365, TimeUnit.DAYS);
    /** A name is taken for ever in an ActorSystem, so that a second IOThread of one name needs another. */
    private static final AtomicInteger REGISTERED = new AtomicInteger();

    private IoThreadDispatcher() {}

    /**
     * Registers a started IOThread; {@link IoThread#dispatcher()} is its name from then on.
     *
     * @return has the ActorSystem let go of the IOThread, of which it keeps the name: for when it has ended
     */
    public static Runnable register(ActorSystem<?> system, IoThread ioThread) {
        String name = "vireo-iothread-" + ioThread.name() + "-" + REGISTERED.incrementAndGet();
        var dispatchers = system.classicSystem().dispatchers();
        Config settings = ConfigFactory.parseMap(Map.of("id", name))
                .withFallback(system.settings().config().getConfig("akka.actor.default-dispatcher"));
        LoopExecutor loop = new LoopExecutor(ioThread);
        dispatchers.registerConfigurator(name, new Configurator(name, loop, settings, dispatchers.prerequisites()));
        ioThread.dispatcher(name);
        return loop::forget;
    }

    private static final class Configurator extends MessageDispatcherConfigurator {
        private final MessageDispatcher dispatcher;

        /** @param settings mailbox and the like, as any other dispatcher has them */
        Configurator(String name, ExecutorService executor, Config settings, DispatcherPrerequisites prerequisites) {
            super(settings, prerequisites);
            ExecutorServiceConfigurator factory = new Factory(executor, prerequisites);
            dispatcher = new Dispatcher(this, name, THROUGHPUT, Duration.Zero(), factory, SHUTDOWN_TIMEOUT) {};
        }

        @Override
        public MessageDispatcher dispatcher() {
            return dispatcher;
        }
    }

    private static final class Factory extends ExecutorServiceConfigurator {
        private final ExecutorService executor;

        Factory(ExecutorService executor, DispatcherPrerequisites prerequisites) {
            super(ConfigFactory.empty(), prerequisites);
            this.executor = executor;
        }

        @Override
        public ExecutorServiceFactory createExecutorServiceFactory(String id, ThreadFactory threads) {
            return () -> executor;
        }
    }

    /** The loop as an executor. It never runs a task inside execute: mailboxes would re-enter. */
    private static final class LoopExecutor extends AbstractExecutorService {
        /** Null when it has ended. */
        private volatile IoThread ioThread;

        LoopExecutor(IoThread ioThread) {
            this.ioThread = ioThread;
        }

        @Override
        public void execute(Runnable task) {
            IoThread target = ioThread;
            if (target != null) target.execute(task);
        }

        void forget() {
            ioThread = null;
        }

        /** Not Akka's to end: the IOThread's owner stops it. */
        @Override
        public void shutdown() {}

        @Override
        public List<Runnable> shutdownNow() {
            return List.of();
        }

        @Override
        public boolean isShutdown() {
            return false;
        }

        @Override
        public boolean isTerminated() {
            return false;
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) {
            return true;
        }
    }
}
