package io.vireo.monitoring.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * The main numbers as ordinary meters of a registry that is not Prometheus': requests with their time and bytes by operation,
 * failures, requests in flight and the age of the oldest, client, CPU time; an IOThread's time and turns. No histogram, since
 * micrometer cannot publish one that others count. Thread: guarded by {@link VireoMetrics}.
 */
final class ForeignMeters {
    private final MeterRegistry registry;
    private final Map<Object, List<Meter>> meters = new HashMap<>();

    ForeignMeters(MeterRegistry registry) {
        this.registry = registry;
    }

    void add(DeviceView device) {
        var created = new ArrayList<Meter>();
        meters.put(device, created);
        Tags tags = Tags.of("device", device.name());
        for (int each = 0; each < Op.COUNT; each++) {
            int op = each;
            Tags opTags = tags.and("op", Op.label(op));
            created.add(FunctionTimer.builder("vireo.device.request.duration", device, sum(c -> c.requests(op)),
                    sumOf(c -> c.latencyNanos(op)), TimeUnit.NANOSECONDS).tags(opTags).description("Requests answered, and their time").register(registry));
            created.add(FunctionCounter.builder("vireo.device.request.errors", device, sumOf(c -> errors(c, op)))
                    .tags(opTags).description("Requests that failed").register(registry));
            if (!Op.hasBytes(op)) continue;
            created.add(FunctionCounter.builder("vireo.device.request.bytes", device, sumOf(c -> c.bytes(op)))
                    .tags(opTags).baseUnit("bytes").register(registry));
        }
        created.add(Gauge.builder("vireo.device.inflight.requests", device, DeviceView::inflightRequests).tags(tags).register(registry));
        created.add(Gauge.builder("vireo.client.connected", device, view -> view.clientConnected() ? 1 : 0).tags(tags).register(registry));
        created.add(TimeGauge.builder("vireo.device.oldest.request", device, TimeUnit.NANOSECONDS, ForeignMeters::oldestAgeNanos)
                .tags(tags).description("Age of the oldest request in flight").register(registry));
        created.add(timeCounter("vireo.device.cpu", device, sumOf(DeviceCounters::cpuNanos), tags));
        created.add(timeCounter("vireo.device.throttled", device, sumOf(DeviceCounters::throttledNanos), tags));
    }

    void add(IoThreadSeries ioThread) {
        var created = new ArrayList<Meter>();
        meters.put(ioThread, created);
        Tags tags = Tags.of("iothread", ioThread.view.name());
        created.add(FunctionCounter.builder("vireo.iothread.turns", ioThread, it -> it.view.counters().turns()).tags(tags).register(registry));
        String time = "vireo.iothread";
        created.add(timeCounter(time, ioThread, it -> it.view.counters().busyNanos(), tags.and("state", "busy")));
        created.add(timeCounter(time, ioThread, it -> it.view.counters().pollingNanos(), tags.and("state", "polling")));
        created.add(timeCounter(time, ioThread, it -> it.idleNanos(System.nanoTime()), tags.and("state", "idle")));
    }

    void remove(Object subject) {
        List<Meter> gone = meters.remove(subject);
        if (gone != null) gone.forEach(registry::remove);
    }

    private <T> Meter timeCounter(String name, T subject, ToDoubleFunction<T> nanos, Tags tags) {
        return FunctionCounter.builder(name, subject, it -> nanos.applyAsDouble(it) / 1e9).tags(tags).baseUnit("seconds").register(registry);
    }

    private static double oldestAgeNanos(DeviceView device) {
        long startNanos = device.oldestRequestNanos();
        return startNanos == 0 ? 0 : Math.max(0, System.nanoTime() - startNanos);
    }

    private static long errors(DeviceCounters counters, int op) {
        long errors = 0;
        for (int reason = 0; reason < Reason.COUNT; reason++) errors += counters.errors(op, reason);
        return errors;
    }

    private static ToLongFunction<DeviceView> sum(ToLongFunction<DeviceCounters> number) {
        return device -> device.counters().stream().mapToLong(number).sum();
    }

    private static ToDoubleFunction<DeviceView> sumOf(ToLongFunction<DeviceCounters> number) {
        return sum(number)::applyAsLong;
    }
}
