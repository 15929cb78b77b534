package io.vireo.monitoring.metrics;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The points of one scrape by family; families without a point do not appear. Thread: the scraping one. */
final class Scrape {
    private final Map<Family, List<CounterDataPointSnapshot>> counters = new EnumMap<>(Family.class);
    private final Map<Family, List<GaugeDataPointSnapshot>> gauges = new EnumMap<>(Family.class);
    private final Map<Family, List<InfoDataPointSnapshot>> infos = new EnumMap<>(Family.class);
    private final Map<Family, List<HistogramDataPointSnapshot>> histograms = new EnumMap<>(Family.class);
    private final Set<Labels> subjects = new HashSet<>();

    /** Whether nothing has claimed these labels yet: one point twice would spoil the whole scrape. */
    boolean claims(Labels subject) {
        return subjects.add(subject);
    }

    void counter(Family family, Labels labels, double value) {
        points(counters, family).add(new CounterDataPointSnapshot(value, labels, null, 0));
    }

    void gauge(Family family, Labels labels, double value) {
        points(gauges, family).add(new GaugeDataPointSnapshot(value, labels, null));
    }

    void info(Family family, Labels labels) {
        points(infos, family).add(new InfoDataPointSnapshot(labels));
    }

    /** {@code counts} are per bucket, not cumulative; the last of {@code bounds} is infinite. */
    void histogram(Family family, Labels labels, double[] bounds, long[] counts, double sum) {
        var buckets = ClassicHistogramBuckets.of(bounds, counts);
        points(histograms, family).add(new HistogramDataPointSnapshot(buckets, sum, labels, Exemplars.EMPTY, 0));
    }

    MetricSnapshots snapshots() {
        List<MetricSnapshot> all = new ArrayList<>();
        counters.forEach((family, points) -> all.add(new CounterSnapshot(family.metadata, points)));
        gauges.forEach((family, points) -> all.add(new GaugeSnapshot(family.metadata, points)));
        infos.forEach((family, points) -> all.add(new InfoSnapshot(family.metadata, points)));
        histograms.forEach((family, points) -> all.add(new HistogramSnapshot(family.metadata, points)));
        return new MetricSnapshots(all);
    }

    private static <P> List<P> points(Map<Family, List<P>> families, Family family) {
        return families.computeIfAbsent(family, _ -> new ArrayList<>());
    }
}
