package io.vireo.monitoring.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A data plane's numbers in a given registry, until closed.
 *
 * <p>In a {@link PrometheusMeterRegistry} all of them appear under their documented names, from one collector however many data
 * planes share the registry. In any other registry {@link ForeignMeters} has the main ones. A composite is served by serving the
 * registries it holds now. Thread: any.
 */
public final class MeterBinding implements AutoCloseable {
    /** The planes that share a Prometheus registry. It is told of one collector: two would give families of the same name. */
    private static final class Shared implements MultiCollector {
        final List<VireoMetrics> planes = new CopyOnWriteArrayList<>();

        @Override
        public MetricSnapshots collect() {
            return VireoMetrics.collect(planes);
        }
    }

    // Weak, so that a registry nobody closed takes its collector along; the collector does not point back.
    private static final Map<PrometheusRegistry, Shared> SHARED = new WeakHashMap<>();

    private final List<Runnable> undo = new ArrayList<>();

    private MeterBinding() {}

    /** Makes the numbers of {@code metrics} visible in {@code registry}, which stays the caller's. */
    public static MeterBinding bind(VireoMetrics metrics, MeterRegistry registry) {
        var binding = new MeterBinding();
        binding.join(metrics, registry);
        return binding;
    }

    /** Takes them out again. */
    @Override
    public synchronized void close() {
        undo.forEach(Runnable::run);
        undo.clear();
    }

    private void join(VireoMetrics metrics, MeterRegistry registry) {
        switch (registry) {
            case PrometheusMeterRegistry prometheus -> joinShared(metrics, prometheus.getPrometheusRegistry());
            case CompositeMeterRegistry composite -> composite.getRegistries().forEach(each -> join(metrics, each));
            default -> {
                var meters = new ForeignMeters(registry);
                metrics.follow(meters);
                undo.add(() -> metrics.unfollow(meters));
            }
        }
    }

    private void joinShared(VireoMetrics metrics, PrometheusRegistry registry) {
        synchronized (SHARED) {
            Shared shared = SHARED.get(registry);
            if (shared == null) {
                shared = new Shared();
                registry.register(shared);
                SHARED.put(registry, shared);
            }
            shared.planes.add(metrics);
        }
        undo.add(() -> leaveShared(metrics, registry));
    }

    private static void leaveShared(VireoMetrics metrics, PrometheusRegistry registry) {
        synchronized (SHARED) {
            Shared shared = SHARED.get(registry);
            shared.planes.remove(metrics);
            if (!shared.planes.isEmpty()) return;
            registry.unregister(shared);
            SHARED.remove(registry);
        }
    }
}
