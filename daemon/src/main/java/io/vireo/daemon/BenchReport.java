package io.vireo.daemon;

import io.vireo.virtio.driver.BenchLoad;

/**
 * What a measurement comes to.
 *
 * @param cpuNanos of the side measured
 * @param deviceReadBytes what storage devices were asked for meanwhile; less than 0 when that is not known
 */
record BenchReport(BenchLoad.Options options, BenchLoad.Result result, long cpuNanos, long deviceReadBytes) {
    private static final double MOSTLY = 0.95;

    Figures figures() {
        double requests = Math.max(1, result.requests());
        Figures figures = new Figures()
                .with("requests", result.requests())
                .with("errors", result.errors())
                .with("iops", result.iops())
                .with("mb_per_second", result.iops() * options.blockBytes() / 1e6)
                .with("p50_us", result.latency().nanosAt(0.50) / 1e3)
                .with("p99_us", result.latency().nanosAt(0.99) / 1e3)
                .with("p99.9_us", result.latency().nanosAt(0.999) / 1e3)
                .with("calls_per_1000_io", result.calls() * 1e3 / requests)
                .with("kicks_per_1000_io", result.kicks() * 1e3 / requests)
                .with("cpu_us_per_io", cpuNanos / 1e3 / requests);
        return isReadOnly() && deviceReadBytes >= 0 ? figures.with("read_from_device_percent", 100 * deviceShare()) : figures;
    }

    /** What a reader of the figures must know to judge them; empty when there is nothing. */
    String caution() {
        if (result.errors() > 0) return "%,d of %,d requests failed".formatted(result.errors(), result.requests());
        if (!isReadOnly() || deviceReadBytes < 0 || deviceShare() >= MOSTLY) return "";
        return "%.0f %% of this came from memory or from holes in the file, not from a disk".formatted(100 * (1 - deviceShare()));
    }

    private boolean isReadOnly() {
        return !options.access().writes();
    }

    /** May be above 1, as when whole pages are read ahead. */
    private double deviceShare() {
        return Math.min(1, deviceReadBytes / Math.max(1.0, (double) result.requests() * options.blockBytes()));
    }
}
