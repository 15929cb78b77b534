package io.vireo.actors.plane;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.iothread.IoThreadDispatcher;
import io.vireo.config.DeviceConfig;
import io.vireo.config.IoThreadConfig;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/**
 * The running IOThreads: those the configuration names, and for devices that name none at most one per two cpus, each
 * started when it gets its first virtqueue. Thread: any, one at a time; {@link #all} from any.
 */
public final class IoThreads implements AutoCloseable {
    private final ActorSystem<?> system;
    private final Executor blocking;
    private final boolean uring;
    /** Replaced, never changed: whoever looks at them waits for nobody. */
    private volatile Map<String, IoThread> byName = Map.of();
    /** Has the ActorSystem forget each. */
    private final Map<String, Runnable> forget = new HashMap<>();
    private Placement placement;

    public IoThreads(ActorSystem<?> system, Executor blocking, boolean uring) {
        this.system = system;
        this.blocking = blocking;
        this.uring = uring;
    }

    public IoThread start(IoThreadConfig config) {
        if (byName.containsKey(config.name())) throw new IllegalArgumentException("there is an iothread " + config.name() + " already");
        IoThread ioThread = new IoThread(config, blocking, uring);
        ioThread.start();
        forget.put(config.name(), IoThreadDispatcher.register(system, ioThread));
        Map<String, IoThread> more = new LinkedHashMap<>(byName);
        more.put(config.name(), ioThread);
        byName = Collections.unmodifiableMap(more);
        return ioThread;
    }

    /** Stops one that no device uses any more. */
    public void stop(String name) {
        byName.get(name).stop();
        forget.remove(name).run();
        Map<String, IoThread> fewer = new LinkedHashMap<>(byName);
        fewer.remove(name);
        byName = Collections.unmodifiableMap(fewer);
    }

    public Collection<IoThread> all() {
        return byName.values();
    }

    /** Who serves each of a device's virtqueues, by index. */
    public List<IoThread> assign(DeviceConfig device, int queueCount) {
        if (placement == null) placement = new Placement(byName.keySet(), Placement.defaultPoolSize());
        List<IoThread> assigned = new ArrayList<>();
        for (String name : placement.assign(device, queueCount)) {
            IoThread running = byName.get(name);
            assigned.add(running != null ? running : start(IoThreadConfig.of(name)));
        }
        return assigned;
    }

    /** Takes a device's virtqueues off the count that {@link #assign} balances by. */
    public void release(List<IoThread> assigned) {
        placement.release(assigned.stream().map(IoThread::name).toList());
    }

    /** Stops the threads; no device uses them any more. */
    @Override
    public void close() {
        byName.values().forEach(IoThread::stop);
    }
}
