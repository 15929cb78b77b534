package io.vireo.storage.node;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/** An IOThread's loop reduced to what channels need, turned by the test's own thread. */
public final class TestLoop implements IoContext, AutoCloseable {
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    private final Map<AioMode, AioEngine> engines = new EnumMap<>(AioMode.class);
    private final List<AioEngine> served = new ArrayList<>();
    private final List<IntSupplier> pollers = new ArrayList<>();
    private final List<AutoCloseable> owned = new ArrayList<>();
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final PriorityQueue<Timer> timers = new PriorityQueue<>(Comparator.comparingLong(Timer::deadlineNanos));
    private Long frozenNanos;
    public int timersSet;

    private record Timer(long deadlineNanos, Runnable task) {}

    /** Closed with the loop, before what was added earlier. */
    public <T extends AutoCloseable> T own(T resource) {
        owned.add(resource);
        return resource;
    }

    public void add(AioEngine engine) {
        engines.put(engine.kind(), own(engine));
        served.add(engine);
    }

    /** Called once per turn; answers how much it did. */
    public void poll(IntSupplier poller) {
        pollers.add(poller);
    }

    /** From now on the clock only moves by {@link #advance}. */
    public TestLoop freeze() {
        frozenNanos = 1L;
        return this;
    }

    public void advance(long nanos) {
        frozenNanos += nanos;
    }

    @Override
    public AioEngine engine(AioMode requested, boolean direct) {
        AioEngine engine = engines.get(requested);
        if (engine != null) return engine;
        return engines.values().stream()
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("this loop has no engine"));
    }

    @Override
    public void at(long deadlineNanos, Runnable task) {
        timersSet++;
        timers.add(new Timer(deadlineNanos, task));
    }

    @Override
    public long nowNanos() {
        return frozenNanos == null ? System.nanoTime() : frozenNanos;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    public void turn() {
        int did = 0;
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
            did++;
        }
        while (!timers.isEmpty() && timers.peek().deadlineNanos() - nowNanos() <= 0) {
            timers.poll().task().run();
            did++;
        }
        for (int i = 0; i < served.size(); i++) did += served.get(i).flush();
        for (int i = 0; i < pollers.size(); i++) did += pollers.get(i).getAsInt();
        for (int i = 0; i < served.size(); i++) did += served.get(i).poll();
        if (did == 0) Thread.yield();
    }

    /** Turns until the condition holds; a condition that never does fails the test instead of hanging it. */
    public void runUntil(BooleanSupplier condition) {
        long giveUp = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            turn();
            if (System.nanoTime() - giveUp > 0) throw new AssertionError("waited 30 s in vain");
        }
    }

    @Override
    public void close() {
        for (AutoCloseable resource : owned.reversed()) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }
}
