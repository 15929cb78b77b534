package io.vireo.monitoring.metrics;

import io.prometheus.metrics.model.snapshots.Labels;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns one device into at most 200 series, whatever its guest does and however many queues it has.
 *
 * <p>The bill at worst: 8 for the device and its drive, per operation 1 counter and 21 for the histogram, 4 for bytes, 18 for errors,
 * 16 for queues. To keep it: read, write and flush are always there and other operations from their first request; bytes only for
 * operations that have some; errors as {@link ErrorSeries} says; of more than 8 queues the eighth and later ones are one series.
 */
final class DeviceSeries {
    private static final int QUEUE_SERIES = 8;
    private static final int MAX_MORE_LABELS = 16;
    private static final double NANOS = 1e9;
    private static final double[] BOUNDS = new double[LatencyBuckets.COUNT];

    static {
        for (int i = 0; i < BOUNDS.length; i++) BOUNDS[i] = LatencyBuckets.boundNanos(i) / NANOS;
        BOUNDS[BOUNDS.length - 1] = Double.POSITIVE_INFINITY;
    }

    final DeviceView view;
    private final ErrorSeries errorSeries = new ErrorSeries();
    private final Labels device;

    DeviceSeries(DeviceView view) {
        this.view = view;
        device = Labels.of("device", view.name());
    }

    void addTo(Scrape scrape, long nowNanos) {
        if (!scrape.claims(device)) return;
        addState(scrape, nowNanos);
        List<DeviceCounters> counters = view.counters();
        for (int op = 0; op < Op.COUNT; op++) addOperation(scrape, counters, op);
        addQueues(scrape, counters);
        scrape.counter(Family.CPU, device, counters.stream().mapToLong(DeviceCounters::cpuNanos).sum() / NANOS);
        scrape.counter(Family.THROTTLED, device, counters.stream().mapToLong(DeviceCounters::throttledNanos).sum() / NANOS);
    }

    private void addState(Scrape scrape, long nowNanos) {
        scrape.info(Family.DEVICE, information());
        scrape.gauge(Family.DEVICE_STATE, device.add("state", view.state()), 1);
        scrape.gauge(Family.CLIENT_CONNECTED, device, view.clientConnected() ? 1 : 0);
        scrape.gauge(Family.INFLIGHT, device, view.inflightRequests());
        long startNanos = view.oldestRequestNanos();
        scrape.gauge(Family.OLDEST, device, startNanos == 0 ? 0 : Math.max(0, nowNanos - startNanos) / NANOS);
    }

    /** The operator's other labels follow the five that are always there, as far as Prometheus allows their names. */
    private Labels information() {
        Map<String, String> labels = new LinkedHashMap<>();
        labels.put("device", view.name());
        labels.put("vm", view.labels().getOrDefault("vm", ""));
        labels.put("tenant", view.labels().getOrDefault("tenant", ""));
        labels.put("drive", view.drive());
        labels.put("iothread", String.join(",", view.ioThreads()));
        view.labels().entrySet().stream().limit(MAX_MORE_LABELS).forEach(label -> {
            String name = label.getKey().replaceAll("[^A-Za-z0-9_]", "_").replaceFirst("^(?=[0-9]|__)", "label_");
            labels.putIfAbsent(name, label.getValue());
        });
        return Labels.of(labels.keySet().toArray(String[]::new), labels.values().toArray(String[]::new));
    }

    private void addOperation(Scrape scrape, List<DeviceCounters> counters, int op) {
        // Read once and used for both, so that the histogram's count is the requests counter while the IOThread goes on counting.
        long[] latencies = new long[LatencyBuckets.COUNT];
        long requests = 0, bytes = 0, nanos = 0;
        long[] errors = new long[Reason.COUNT];
        for (DeviceCounters each : counters) {
            for (int bucket = 0; bucket < latencies.length; bucket++) {
                long count = each.latencies(op, bucket);
                latencies[bucket] += count;
                requests += count;
            }
            bytes += each.bytes(op);
            nanos += each.latencyNanos(op);
            for (int reason = 0; reason < errors.length; reason++) errors[reason] += each.errors(op, reason);
        }
        addErrors(scrape, op, errors);
        if (requests == 0 && op != Op.READ && op != Op.WRITE && op != Op.FLUSH) return;
        Labels labels = device.add("op", Op.label(op));
        scrape.counter(Family.REQUESTS, labels, requests);
        scrape.histogram(Family.DURATION, labels, BOUNDS, latencies, nanos / NANOS);
        if (Op.hasBytes(op)) scrape.counter(Family.BYTES, labels, bytes);
    }

    private void addErrors(Scrape scrape, int op, long[] errors) {
        errorSeries.fold(op, errors);
        for (int reason = 0; reason < errors.length; reason++) {
            if (errors[reason] == 0) continue;
            scrape.counter(Family.ERRORS, device.merge(Labels.of("op", Op.label(op), "reason", Reason.label(reason))), errors[reason]);
        }
    }

    private void addQueues(Scrape scrape, List<DeviceCounters> counters) {
        int queues = counters.stream().mapToInt(DeviceCounters::queues).max().orElse(0);
        int alone = queues <= QUEUE_SERIES ? queues : QUEUE_SERIES - 1;
        for (int queue = 0; queue < alone; queue++) addQueues(scrape, counters, String.valueOf(queue), queue, queue + 1);
        if (alone < queues) addQueues(scrape, counters, alone + "-" + (queues - 1), alone, queues);
    }

    private void addQueues(Scrape scrape, List<DeviceCounters> counters, String name, int from, int to) {
        long kicks = 0, calls = 0;
        for (DeviceCounters each : counters) {
            for (int queue = from; queue < Math.min(to, each.queues()); queue++) {
                kicks += each.kicks(queue);
                calls += each.calls(queue);
            }
        }
        Labels labels = device.add("queue", name);
        scrape.counter(Family.KICKS, labels, kicks);
        scrape.counter(Family.CALLS, labels, calls);
    }
}
