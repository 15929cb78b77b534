package io.vireo.actors.plane;

import io.vireo.config.DeviceConfig;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which IOThread serves which virtqueue, by name: the one that the configuration gives it, or the one with the fewest
 * virtqueues of a default pool. Nothing of it needs to run. Thread: one at a time.
 */
public final class Placement {
    private final List<String> pool = new ArrayList<>();
    private final Map<String, Integer> queues = new HashMap<>();

    /**
     * @param configured names that the pool's threads cannot have
     * @param poolSize how many threads serve those who name none
     */
    public Placement(Collection<String> configured, int poolSize) {
        for (int number = 0; pool.size() < poolSize; number++) {
            if (!configured.contains("default" + number)) pool.add("default" + number);
        }
    }

    /** One IOThread per two cpus. */
    public static int defaultPoolSize() {
        return Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    }

    /** Who serves each of a device's virtqueues, by index. */
    public List<String> assign(DeviceConfig device, int queueCount) {
        List<String> assigned = new ArrayList<>();
        for (int queue = 0; queue < queueCount; queue++) {
            String chosen = device.iothreadOf(queue).orElseGet(this::leastLoaded);
            queues.merge(chosen, 1, Integer::sum);
            assigned.add(chosen);
        }
        return assigned;
    }

    /** Takes virtqueues off the count that {@link #assign} balances by. */
    public void release(Collection<String> assigned) {
        assigned.forEach(name -> queues.merge(name, -1, Integer::sum));
    }

    private String leastLoaded() {
        return pool.stream().min(Comparator.comparingInt(name -> queues.getOrDefault(name, 0))).orElseThrow();
    }
}
