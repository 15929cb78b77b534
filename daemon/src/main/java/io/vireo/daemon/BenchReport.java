package io.vireo.daemon;

import io.vireo.virtio.driver.BenchLoad;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a measurement comes to.
 *
 * @param disks as they were named
 * @param results of each
 * @param cpuNanos of the side measured
 * @param deviceReadBytes what storage devices were asked for meanwhile; less than 0 when that is not known
 */
record BenchReport(BenchLoad.Options options, List<Path> disks, List<BenchLoad.Result> results, long cpuNanos,
        long deviceReadBytes) {
    private static final double MOSTLY = 0.95;

    /** All disks together. */
    BenchLoad.Result total() {
        return BenchLoad.Result.sum(results);
    }

    String json() {
        return disks.size() == 1 ? figures().json() : figures().with("disks", each()).json();
    }

    String table() {
        StringBuilder text = new StringBuilder(figures().table());
        if (disks.size() > 1) each().forEach(disk -> text.append(disk.line()).append('\n'));
        return text.toString();
    }

    private Figures figures() {
        BenchLoad.Result total = total();
        Figures figures = of(new Figures(), total).with("seconds", total.elapsedNanos() / 1e9)
                .with("cpu_us_per_io", cpuNanos / 1e3 / Math.max(1, total.requests()));
        return isReadOnly() && deviceReadBytes >= 0 ? figures.with("read_from_device_percent", 100 * deviceShare()) : figures;
    }

    private List<Figures> each() {
        return IntStream.range(0, disks.size())
                .mapToObj(i -> of(new Figures().with("disk", disks.get(i).toString()), results.get(i))).toList();
    }

    private Figures of(Figures figures, BenchLoad.Result result) {
        double requests = Math.max(1, result.requests());
        return figures
                .with("requests", result.requests())
                .with("errors", result.errors())
                .with("iops", result.iops())
                .with("mb_per_second", result.iops() * options.blockBytes() / 1e6)
                .with("p50_us", result.latency().nanosAt(0.50) / 1e3)
                .with("p99_us", result.latency().nanosAt(0.99) / 1e3)
                .with("p99.9_us", result.latency().nanosAt(0.999) / 1e3)
                .with("max_us", result.latency().maxNanos() / 1e3)
                .with("calls_per_1000_io", result.calls() * 1e3 / requests)
                .with("kicks_per_1000_io", result.kicks() * 1e3 / requests);
    }

    /** What a reader of the figures must know to judge them; empty when there is nothing. */
    String caution() {
        BenchLoad.Result total = total();
        if (total.errors() > 0) return "%,d of %,d requests failed".formatted(total.errors(), total.requests());
        if (!isReadOnly() || deviceReadBytes < 0 || total.requests() == 0 || deviceShare() >= MOSTLY) return "";
        return "%.0f %% of this came from memory or from holes in the file, not from a disk".formatted(100 * (1 - deviceShare()));
    }

    private boolean isReadOnly() {
        return !options.access().writes();
    }

    /** May be above 1, as when whole pages are read ahead. */
    private double deviceShare() {
        return Math.min(1, deviceReadBytes / Math.max(1.0, (double) total().requests() * options.blockBytes()));
    }
}
