package io.vireo.monitoring.metrics;

import io.prometheus.metrics.model.snapshots.Labels;
import java.util.concurrent.atomic.AtomicLong;

/** Turns one IOThread's counters into series. */
final class IoThreadSeries {
    private static final double NANOS = 1e9;
    private static final double[] BOUNDS = new double[IoThreadCounters.BATCH_BUCKETS];

    static {
        for (int i = 0; i < BOUNDS.length; i++) BOUNDS[i] = IoThreadCounters.batchBound(i);
        BOUNDS[BOUNDS.length - 1] = Double.POSITIVE_INFINITY;
    }

    final IoThreadView view;
    private final Labels ioThread;
    /** A scrape between the two halves of a wake-up reads less idle time than the one before; a counter must not show that. */
    private final AtomicLong idleNanos = new AtomicLong();

    IoThreadSeries(IoThreadView view) {
        this.view = view;
        ioThread = Labels.of("iothread", view.name());
    }

    /** Idle time that never goes backwards, by any number of readers. */
    long idleNanos(long nowNanos) {
        return idleNanos.accumulateAndGet(view.counters().idleNanos(nowNanos), Math::max);
    }

    void addTo(Scrape scrape, long nowNanos) {
        if (!scrape.claims(ioThread)) return;
        IoThreadCounters counters = view.counters();
        scrape.counter(Family.IOTHREAD_TIME, ioThread.add("state", "busy"), counters.busyNanos() / NANOS);
        scrape.counter(Family.IOTHREAD_TIME, ioThread.add("state", "polling"), counters.pollingNanos() / NANOS);
        scrape.counter(Family.IOTHREAD_TIME, ioThread.add("state", "idle"), idleNanos(nowNanos) / NANOS);
        scrape.counter(Family.IOTHREAD_TURNS, ioThread, counters.turns());
        scrape.counter(Family.IOTHREAD_ENTERS, ioThread, counters.ringEnters());
        scrape.gauge(Family.IOTHREAD_AGE, ioThread, counters.lastTurnAgeNanos(nowNanos) / NANOS);
        long[] batches = new long[IoThreadCounters.BATCH_BUCKETS];
        for (int bucket = 0; bucket < batches.length; bucket++) batches[bucket] = counters.batches(bucket);
        scrape.histogram(Family.IOTHREAD_BATCHES, ioThread, BOUNDS, batches, counters.batchRequests());
    }
}
