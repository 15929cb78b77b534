package io.vireo.actors.plane;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.iothread.IoThreadDispatcher;
import io.vireo.config.DeviceConfig;
import io.vireo.config.IoThreadConfig;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/**
 * The running IOThreads: those the configuration names, and a pool for devices that name none, one per two cpus, made
 * when the first such device comes. Thread: any, one at a time.
 */
public final class IoThreads implements AutoCloseable {
    private final ActorSystem<?> system;
    private final Executor blocking;
    private final boolean uring;
    private final Map<String, IoThread> byName = new LinkedHashMap<>();
    private final List<IoThread> pool = new ArrayList<>();
    private final Map<IoThread, Integer> queues = new HashMap<>();

    public IoThreads(ActorSystem<?> system, Executor blocking, boolean uring) {
        this.system = system;
        this.blocking = blocking;
        this.uring = uring;
    }

    public IoThread start(IoThreadConfig config) {
        if (byName.containsKey(config.name())) throw new IllegalArgumentException("iothread=" + config.name());
        IoThread ioThread = new IoThread(config, blocking, uring);
        ioThread.start();
        IoThreadDispatcher.register(system, ioThread);
        byName.put(config.name(), ioThread);
        return ioThread;
    }

    public Collection<IoThread> all() {
        return byName.values();
    }

    /** Who serves each of a device's virtqueues, by index. */
    public List<IoThread> assign(DeviceConfig device, int queueCount) {
        List<IoThread> assigned = new ArrayList<>();
        for (int queue = 0; queue < queueCount; queue++) {
            IoThread chosen = device.iothreadOf(queue).map(byName::get).orElseGet(this::leastLoaded);
            queues.merge(chosen, 1, Integer::sum);
            assigned.add(chosen);
        }
        return assigned;
    }

    /** Takes a device's virtqueues off the count that {@link #assign} balances by. */
    public void release(List<IoThread> assigned) {
        assigned.forEach(ioThread -> queues.merge(ioThread, -1, Integer::sum));
    }

    private IoThread leastLoaded() {
        if (pool.isEmpty()) {
            int size = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
            for (int i = 0; i < size; i++) pool.add(start(IoThreadConfig.of(freeName())));
        }
        return pool.stream()
                .min((a, b) -> Integer.compare(queues.getOrDefault(a, 0), queues.getOrDefault(b, 0)))
                .orElseThrow();
    }

    private String freeName() {
        int number = 0;
        while (byName.containsKey("default" + number)) number++;
        return "default" + number;
    }

    /** Stops the threads; no device uses them any more. */
    @Override
    public void close() {
        byName.values().forEach(IoThread::stop);
    }
}
