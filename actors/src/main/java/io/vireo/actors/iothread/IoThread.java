package io.vireo.actors.iothread;

import io.vireo.config.IoThreadConfig;
import io.vireo.monitoring.metrics.IoThreadCounters;
import io.vireo.posix.Affinity;
import io.vireo.posix.EventFd;
import io.vireo.posix.EventSignaller;
import io.vireo.posix.Fd;
import io.vireo.storage.node.AioEngine;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.IoContext;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One OS thread that runs the mailboxes and stream interpreters of its devices, watches their virtqueues, submits their
 * I/O and takes in its completions. Nothing on it blocks but {@link Poller#park}, the one place where it sleeps.
 *
 * <p>A turn: tasks (at most {@value #TASKS_A_TURN}), devices, ring, deadlines. When a turn found nothing it spins for
 * the polling window, then asks every driver for kicks and parks. What wakes it: a kick, a completion, a deadline, a
 * task from another thread. docs/adr/0002 has the reasons.
 *
 * <p>Thread: {@link #start}, {@link #execute}, {@link #stop} and the plain facts from anywhere; everything else on the
 * IOThread itself.
 */
public final class IoThread implements IoContext, Executor {
    private static final Logger LOG = LoggerFactory.getLogger(IoThread.class);
    private static final int TASKS_A_TURN = 64;
    /** How long it polls without giving way to others on its processor. */
    private static final long SPIN_NANOS = 4_000;
    /** Idle for so many of its longest polling windows, a device on a busy loop is left to its kicks. */
    private static final int DEMOTE_AFTER_WINDOWS = 8;

    private final IoThreadConfig config;
    private final Engines engines;
    private final IoThreadCounters counters = new IoThreadCounters();
    private final EventFd wakeUp = EventFd.create();
    private final TaskQueue tasks = new TaskQueue(wakeUp::signal);
    private final Deadlines deadlines = new Deadlines();
    private final Watches watches = new Watches();
    /** While nothing is in flight, so that drivers are what it waits for. */
    private final PollingWindow driverWindow;
    /** While storage has requests: only what answers at once, such as memory, is worth spinning for. */
    private final PollingWindow storageWindow;
    private final long demoteAfterNanos;
    private final Thread thread;
    private final CompletableFuture<Void> started = new CompletableFuture<>();

    private Poller poller;
    private EventSignaller signaller;
    private PolledDevice[] polled = new PolledDevice[8];
    private long[] lastBusyNanos = new long[8];
    private int[] turnWork = new int[8];
    private int polledCount;
    private int nextPolled;
    private volatile boolean stopping;
    /** Guarded by {@link #wakeUp}. */
    private boolean ended;
    private volatile String dispatcher;

    /**
     * @param blocking where what cannot be done asynchronously is done
     * @param uring false when io_uring is not to be used even if the host has it
     */
    public IoThread(IoThreadConfig config, Executor blocking, boolean uring) {
        this.config = config;
        this.engines = new Engines(this, blocking, uring);
        long pollMaxNanos = config.pollMax().toNanos();
        this.driverWindow = PollingWindow.forDrivers(pollMaxNanos, config.pollGrow(), config.pollShrink());
        this.storageWindow = PollingWindow.forStorage(pollMaxNanos, config.pollGrow(), config.pollShrink());
        this.demoteAfterNanos = Math.max(pollMaxNanos, 10_000) * DEMOTE_AFTER_WINDOWS;
        this.thread = new Thread(this::run, config.name());
        thread.setDaemon(true);
    }

    /** Starts the thread; returns when it is pinned and has its engines, or throws what kept it from that. */
    public void start() {
        thread.start();
        started.join();
    }

    public String name() {
        return config.name();
    }

    public IoThreadConfig config() {
        return config;
    }

    /** The name of the dispatcher that this thread is in the ActorSystem it serves. */
    public String dispatcher() {
        return dispatcher;
    }

    void dispatcher(String name) {
        dispatcher = name;
    }

    public IoThreadCounters counters() {
        return counters;
    }

    public boolean isCurrent() {
        return Thread.currentThread() == thread;
    }

    /** The OS thread, to ask a ThreadMXBean about; never to be interrupted. */
    public Thread thread() {
        return thread;
    }

    /** The kind of engine that {@link #engine} answers with. From any thread. */
    public AioMode kindOf(AioMode requested) {
        return engines.kindOf(requested);
    }

    @Override
    public void execute(Runnable task) {
        if (isCurrent()) tasks.addLocal(task);
        else tasks.addForeign(task);
    }

    @Override
    public AioEngine engine(AioMode requested, boolean direct) {
        return engines.engine(requested, direct);
    }

    @Override
    public void at(long deadlineNanos, Runnable task) {
        deadlines.add(deadlineNanos, task);
    }

    @Override
    public long nowNanos() {
        return System.nanoTime();
    }

    /** Runs the listener each time the descriptor becomes readable; answers the token that ends it. */
    public long watch(Fd fd, Runnable listener) {
        long token = watches.add(listener);
        poller.watch(fd, token);
        return token;
    }

    /** The descriptor may be closed after this. */
    public void unwatch(Fd fd, long token) {
        if (!watches.isLive(token)) return;
        watches.remove(token);
        poller.unwatch(fd, token);
    }

    /** For eventfds that a front-end has too: it cannot make this wait. */
    public EventSignaller signaller() {
        return signaller;
    }

    /** Begins to poll a device; one that is polled already stays so. */
    public void poll(PolledDevice device) {
        for (int i = 0; i < polledCount; i++) if (polled[i] == device) return;
        if (polledCount == polled.length) {
            polled = Arrays.copyOf(polled, polledCount * 2);
            lastBusyNanos = Arrays.copyOf(lastBusyNanos, polledCount * 2);
        }
        polled[polledCount] = device;
        lastBusyNanos[polledCount++] = System.nanoTime();
        device.suppressKicks();
    }

    /** Stops polling a device that goes away; its kicks are its own business from here. */
    public void forget(PolledDevice device) {
        for (int i = polledCount - 1; i >= 0; i--) if (polled[i] == device) removePolled(i);
    }

    /** Ends the thread after the turn it is in; tasks that come later are never run. Waits for the end. Idempotent. */
    public void stop() {
        stopping = true;
        synchronized (wakeUp) {
            if (!ended) wakeUp.signal();
        }
        try {
            if (!isCurrent()) thread.join(TimeUnit.SECONDS.toMillis(10));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            if (!config.cpus().isEmpty()) {
                // Here and not where the thread was made: every thread made after that would inherit it.
                Affinity.pinCurrentThread(config.cpus().stream().mapToInt(Integer::intValue).toArray());
            }
            poller = engines.open(watches::ready);
            signaller = EventSignaller.open();
            if (!signaller.neverWaits()) LOG.warn("IOThread {}: without Linux AIO a front-end can make it wait for its call", name());
            watch(wakeUp.fd(), () -> {});
            started.complete(null);
        } catch (Throwable e) {
            wakeUp.close();
            started.completeExceptionally(e);
            return;
        }
        try {
            loop();
        } finally {
            engines.close();
            signaller.close();
            // A busy thread may be here before the one that stops it has rung.
            synchronized (wakeUp) {
                ended = true;
                wakeUp.close();
            }
        }
    }

    private void loop() {
        long turnStart = System.nanoTime();
        long idleSince = turnStart;
        PollingWindow window = driverWindow;
        boolean wasIdle = false;
        boolean slept = false;
        while (!stopping) {
            counters.turn(turnStart);
            int work = guardedTurn(turnStart);
            long now = System.nanoTime();
            counters.ringEnters(poller.ringEnters());
            if (work > 0) {
                if (wasIdle) window.idled(turnStart - idleSince, slept);
                wasIdle = false;
                slept = false;
                account(now - turnStart);
            } else {
                if (!wasIdle) {
                    idleSince = turnStart;
                    window = engines.inFlight() > 0 ? storageWindow : driverWindow;
                }
                wasIdle = true;
                counters.pollingNanos(now - turnStart);
                if (now - idleSince >= window.nanos()) {
                    slept |= sleep(now);
                    now = System.nanoTime();
                } else if (now - idleSince < SPIN_NANOS) {
                    Thread.onSpinWait();
                } else {
                    // On a processor of its own this costs a system call; on a shared one it is what lets
                    // those run whom it waits for, such as the kernel's workers that write to the page cache.
                    Thread.yield();
                }
            }
            turnStart = now;
        }
    }

    /** Whoever knows which device it was has caught its own; this keeps the neighbours of the rest alive. */
    private int guardedTurn(long now) {
        try {
            return turn(now);
        } catch (Throwable e) {
            LOG.error("a turn of an IOThread failed", e);
            return 1;
        }
    }

    private int turn(long now) {
        int work = runTasks();
        work += pollDevices(now);
        work += runTasks();
        work += engines.turn();
        work += poller.poll();
        for (Runnable due; (due = deadlines.pollDue(now)) != null; work++) run(due);
        return work;
    }

    private int runTasks() {
        tasks.takeForeign();
        int ran = 0;
        for (Runnable task; ran < TASKS_A_TURN && (task = tasks.next()) != null; ran++) run(task);
        return ran;
    }

    private void run(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            LOG.error("a task failed on an IOThread", e);
        }
    }

    /** Backwards, as are all walks here: a device whose memory is gone leaves in the middle of its turn. */
    private int pollDevices(long now) {
        int busy = 0;
        for (int i = polledCount - 1; i >= 0; i--) {
            PolledDevice device = polled[i];
            if (device.poll()) {
                busy++;
                lastBusyNanos[i] = now;
            } else if (now - lastBusyNanos[i] > demoteAfterNanos && !device.enableKicks()) {
                forget(device);
            }
        }
        return busy;
    }

    private void removePolled(int index) {
        polledCount--;
        polled[index] = polled[polledCount];
        lastBusyNanos[index] = lastBusyNanos[polledCount];
        polled[polledCount] = null;
    }

    /** Arms every notification, looks once more, and blocks; false when there was something to do instead. */
    private boolean sleep(long now) {
        boolean busy = false;
        for (int i = polledCount - 1; i >= 0; i--) busy |= polled[i].enableKicks();
        boolean blocks = !busy && tasks.fallAsleep();
        if (blocks) {
            counters.parked(now);
            poller.park(deadlines.nanosToWait(now));
            tasks.wakeUp();
        }
        for (int i = polledCount - 1; i >= 0; i--) polled[i].suppressKicks();
        return blocks;
    }

    /** Gives a busy turn's time to the devices that had a part in it. */
    private void account(long nanos) {
        counters.busyNanos(nanos);
        int total = 0;
        for (int i = 0; i < polledCount; i++) total += turnWork(i);
        for (int i = 0; i < polledCount && total > 0; i++) {
            if (turnWork[i] > 0) polled[i].addCpuNanos(nanos * turnWork[i] / total);
        }
    }

    private int turnWork(int index) {
        if (turnWork.length < polled.length) turnWork = new int[polled.length];
        return turnWork[index] = polled[index].takeTurnWork();
    }
}
