package io.vireo.daemon;

import io.vireo.virtio.driver.LoadResult;

/**
 * What a demo run comes to.
 *
 * @param cpuNanos of the IOThread
 * @param allocatedBytes by the IOThread
 */
record DemoReport(LoadResult result, long cpuNanos, long allocatedBytes, long seed, String metrics) {
    String table() {
        StringBuilder text = new StringBuilder(figures().table());
        result.complaints().forEach(complaint -> text.append("MISMATCH ").append(complaint).append('\n'));
        result.failure().ifPresent(failure -> text.append("FAILED ").append(failure).append('\n'));
        text.append(result.clean() ? "every sector read back was right\n" : "the data is NOT right\n");
        return text.toString();
    }

    String json() {
        return figures().with("clean", result.clean()).json();
    }

    private Figures figures() {
        long requests = Math.max(1, result.requestsTotal());
        return new Figures()
                .with("requests", result.requestsTotal())
                .with("errors", result.errorsTotal())
                .with("iops", result.iops())
                .with("mb_per_second", result.bytesPerSecond() / 1e6)
                .with("p50_us", result.latency().nanosAt(0.50) / 1e3)
                .with("p99_us", result.latency().nanosAt(0.99) / 1e3)
                .with("p99.9_us", result.latency().nanosAt(0.999) / 1e3)
                .with("iothread_cpu_us_per_io", cpuNanos / 1e3 / requests)
                .with("allocated_bytes_per_io", (double) allocatedBytes / requests)
                .with("verified_sectors", result.verifiedSectors())
                .with("mismatched_sectors", result.mismatchedSectors())
                .with("seed", Long.toString(seed))
                .with("metrics", metrics);
    }
}
