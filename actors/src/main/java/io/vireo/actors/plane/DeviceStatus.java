package io.vireo.actors.plane;

import io.vireo.actors.device.Device;
import io.vireo.actors.device.Intake;
import io.vireo.actors.iothread.IoThread;
import io.vireo.config.DeviceConfig;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.monitoring.metrics.DeviceView;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What is to be seen of a configured device: by its metrics, its operator and whoever waits for it. Thread: any. */
public final class DeviceStatus implements DeviceView {
    private final DeviceConfig config;
    /** In the order of the virtqueues that they serve first; as it was made. */
    private final Map<IoThread, DeviceCounters> counters = new LinkedHashMap<>();
    private final DeviceReports reports;
    private final Intake intake;
    private final LostDevices lost;
    private final Supplier<Device> device;
    private volatile BooleanSupplier connected = () -> false;

    /**
     * @param ioThreadOfQueue who serves each virtqueue
     * @param device the one that a driver uses now, or null
     */
    DeviceStatus(
            DeviceConfig config,
            List<IoThread> ioThreadOfQueue,
            DeviceReports reports,
            Intake intake,
            LostDevices lost,
            Supplier<Device> device) {
        this.config = config;
        this.reports = reports;
        this.intake = intake;
        this.lost = lost;
        this.device = device;
        for (IoThread ioThread : ioThreadOfQueue) {
            counters.computeIfAbsent(ioThread, _ -> new DeviceCounters(ioThreadOfQueue.size()));
        }
    }

    /** Where {@link #clientConnected} comes from; without it nobody is ever connected. */
    public void connectedWhen(BooleanSupplier isConnected) {
        connected = isConnected;
    }

    /** Those that an IOThread counts up. */
    DeviceCounters countersOf(IoThread ioThread) {
        return counters.get(ioThread);
    }

    @Override
    public String name() {
        return config.name();
    }

    @Override
    public Map<String, String> labels() {
        return config.labels();
    }

    @Override
    public String drive() {
        return config.drive();
    }

    @Override
    public List<String> ioThreads() {
        return counters.keySet().stream().map(IoThread::name).toList();
    }

    @Override
    public String state() {
        if (reports.hasFailed()) return "failed";
        if (intake.isHeldBy(Intake.Hold.IO_ERROR)) return "io-error";
        if (intake.isHeldBy(Intake.Hold.PAUSE)) return "paused";
        return device.get() == null ? "waiting" : "running";
    }

    @Override
    public boolean clientConnected() {
        return connected.getAsBoolean();
    }

    @Override
    public List<DeviceCounters> counters() {
        return List.copyOf(counters.values());
    }

    @Override
    public int inflightRequests() {
        return used().mapToInt(Device::inFlight).sum();
    }

    @Override
    public long oldestRequestNanos() {
        return used().mapToLong(Device::oldestRequestNanos).filter(at -> at != 0)
                .reduce((a, b) -> a - b < 0 ? a : b).orElse(0);
    }

    /** Requests that the drive has failed and whose driver was told so, since the start. */
    public long reportedErrors() {
        return reports.reportedErrors();
    }

    /** What is in flight, for the operator who waits for it. */
    String describeInFlight() {
        long oldest = oldestRequestNanos();
        long seconds = oldest == 0 ? 0 : (System.nanoTime() - oldest) / 1_000_000_000;
        return "device " + name() + ": " + inflightRequests() + " requests in flight on drive " + config.drive()
                + ", the oldest for " + seconds + " s";
    }

    private Stream<Device> used() {
        // One that is just being given up is among both.
        return Stream.concat(lost.stream(), Stream.ofNullable(device.get())).distinct();
    }
}
