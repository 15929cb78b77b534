package io.vireo.monitoring.metrics;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.vireo.monitoring.log.LogLimit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * The devices, drives and IOThreads of one data plane, and what Prometheus reads of them.
 *
 * <p>Views come and go at run time; one that is gone has no series. A view of a name that is there takes its place. Reading changes
 * nothing. {@link MeterBinding} makes it visible in a registry. Thread: any, for everything.
 */
public final class VireoMetrics implements MultiCollector {
    private final String version;
    private final LongSupplier nanoTime;
    private final Map<String, DeviceSeries> devices = new ConcurrentHashMap<>();
    private final Map<String, DriveView> drives = new ConcurrentHashMap<>();
    private final Map<String, IoThreadSeries> ioThreads = new ConcurrentHashMap<>();
    /** 0 when it has not taken over. */
    private volatile long takeoverPauseNanos;
    private final List<ForeignMeters> followers = new ArrayList<>();

    public VireoMetrics(String version) {
        this(version, System::nanoTime);
    }

    VireoMetrics(String version, LongSupplier nanoTime) {
        this.version = version;
        this.nanoTime = nanoTime;
    }

    /** This process has taken over from another, and guests have waited so long for that. */
    public void tookOver(long pauseNanos) {
        takeoverPauseNanos = pauseNanos;
    }

    public synchronized void add(DeviceView device) {
        var series = new DeviceSeries(device);
        DeviceSeries before = devices.put(device.name(), series);
        followers.forEach(meters -> {
            if (before != null) meters.remove(before.view);
            meters.add(device);
        });
    }

    /** Removes this very device; another one that took its name meanwhile stays. */
    public synchronized void remove(DeviceView device) {
        DeviceSeries there = devices.get(device.name());
        if (there == null || there.view != device) return;
        devices.remove(device.name());
        followers.forEach(meters -> meters.remove(device));
    }

    public synchronized void add(DriveView drive) {
        drives.put(drive.nodeName(), drive);
    }

    public synchronized void remove(DriveView drive) {
        if (drives.get(drive.nodeName()) == drive) drives.remove(drive.nodeName());
    }

    public synchronized void add(IoThreadView ioThread) {
        var series = new IoThreadSeries(ioThread);
        IoThreadSeries before = ioThreads.put(ioThread.name(), series);
        followers.forEach(meters -> {
            if (before != null) meters.remove(before);
            meters.add(series);
        });
    }

    public synchronized void remove(IoThreadView ioThread) {
        IoThreadSeries there = ioThreads.get(ioThread.name());
        if (there == null || !there.view.equals(ioThread)) return;
        ioThreads.remove(ioThread.name());
        followers.forEach(meters -> meters.remove(there));
    }

    /** Has a foreign registry's meters follow what comes and goes, beginning with what is there. */
    synchronized void follow(ForeignMeters meters) {
        followers.add(meters);
        devices.values().forEach(series -> meters.add(series.view));
        ioThreads.values().forEach(meters::add);
    }

    synchronized void unfollow(ForeignMeters meters) {
        followers.remove(meters);
        devices.values().forEach(series -> meters.remove(series.view));
        ioThreads.values().forEach(meters::remove);
    }

    /** The devices there are now, in no order. */
    public List<DeviceView> devices() {
        return devices.values().stream().map(series -> series.view).toList();
    }

    @Override
    public MetricSnapshots collect() {
        return collect(List.of(this));
    }

    /** Several data planes of one process in one scrape. Of two devices, drives or IOThreads of one name the first one shows. */
    static MetricSnapshots collect(Collection<VireoMetrics> planes) {
        var scrape = new Scrape();
        scrape.counter(Family.LOG_SUPPRESSED, Labels.EMPTY, LogLimit.shared().suppressed());
        planes.forEach(plane -> plane.addTo(scrape));
        return scrape.snapshots();
    }

    private static void addReads(Scrape scrape, DriveView drive, String source, OptionalLong bytes) {
        bytes.ifPresent(value -> scrape.counter(Family.DRIVE_READS, Labels.of("drive", drive.nodeName(), "source", source), value));
    }

    private void addTo(Scrape scrape) {
        Labels build = Labels.of("version", version, "java", Runtime.version().toString());
        if (scrape.claims(build)) scrape.info(Family.BUILD, build);
        if (takeoverPauseNanos != 0) scrape.gauge(Family.TAKEOVER_PAUSE, Labels.EMPTY, takeoverPauseNanos / 1e9);
        long nowNanos = nanoTime.getAsLong();
        devices.values().forEach(device -> device.addTo(scrape, nowNanos));
        ioThreads.values().forEach(ioThread -> ioThread.addTo(scrape, nowNanos));
        for (DriveView drive : drives.values()) {
            if (!scrape.claims(Labels.of("drive", drive.nodeName()))) continue;
            scrape.info(Family.DRIVE, Labels.of("drive", drive.nodeName(), "driver", drive.driver(), "aio", drive.aio(), "cache", drive.cache()));
            addReads(scrape, drive, "cache", drive.cacheReadBytes());
            addReads(scrape, drive, "engine", drive.engineReadBytes());
        }
    }
}
