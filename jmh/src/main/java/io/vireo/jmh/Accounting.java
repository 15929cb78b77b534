package io.vireo.jmh;

import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.monitoring.metrics.Op;
import io.vireo.virtio.driver.LatencyHistogram;
import org.openjdk.jmh.annotations.Benchmark;

/** Counting a request: the metrics' counters and histogram, and the fine histogram of our drivers. */
public class Accounting extends Micro {
    private final DeviceCounters counters = new DeviceCounters(1);
    private final LatencyHistogram histogram = new LatencyHistogram();
    private long nanos = 1;

    /** Latencies from 1 to 65 us, in no order. */
    private long nextNanos() {
        nanos = nanos * 0x5DEECE66DL + 11;
        return 1000 + (nanos >>> 48);
    }

    @Benchmark
    public void metrics() {
        counters.requestCompleted(Op.READ, 4096, nextNanos());
    }

    @Benchmark
    public void driverHistogram() {
        histogram.record(nextNanos());
    }

    @Benchmark
    public long drawAlone() {
        return nextNanos();
    }
}
