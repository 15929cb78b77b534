package io.vireo.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;

/** Reads the block {@code vireo}. */
final class VireoReader {
    private static final Duration LONGEST = Duration.ofHours(1);
    private static final int FACTOR_MAX = 1024;

    private final Set<Integer> cpus;
    private final boolean embedded;
    private final List<Problem> problems;
    private final List<Problem> warnings = new ArrayList<>();

    VireoReader(Set<Integer> cpus, boolean embedded, List<Problem> problems) {
        this.cpus = cpus;
        this.embedded = embedded;
        this.problems = problems;
    }

    VireoConfig read(Block root) {
        var iothreads = new LinkedHashMap<String, IoThreadConfig>();
        root.named("iothreads").forEach((name, block) -> iothreads.put(name, iothread(name, block)));

        SortedMap<String, Block> driveBlocks = root.named("drives");
        var drives = new LinkedHashMap<String, DriveConfig>();
        var driveReader = new DriveReader(driveBlocks.keySet());
        driveBlocks.forEach((name, block) -> drives.put(name, driveReader.read(name, block)));

        var devices = new LinkedHashMap<String, DeviceConfig>();
        var deviceReader = new DeviceReader(iothreads.keySet(), drives.keySet(), embedded, warnings);
        var conflicts = new Conflicts(problems);
        root.named("devices").forEach((name, block) -> {
            DeviceConfig device = deviceReader.read(name, block);
            devices.put(name, device);
            DriveConfig drive = drives.get(device.drive());
            if (drive != null) conflicts.add(device, drive, block.originOf("drive"));
        });

        Optional<MetricsConfig> metrics =
                root.says("metrics") ? Optional.of(metrics(root.block("metrics"))) : Optional.empty();
        Optional<TransportConfig.SocketPath> control =
                root.says("control") ? control(root.block("control")) : Optional.empty();
        LogConfig log = log(root.block("log"));
        Duration shutdownTimeout =
                root.read("shutdown-timeout", VireoConfig.SHUTDOWN_TIMEOUT, Value.duration(LONGEST));
        List.of("monitors", "throttle-groups", "sandbox").forEach(root::notYet);
        root.finish();
        if (control.isEmpty() && !embedded) warnOfStops(devices, drives);
        return new VireoConfig(iothreads, drives, devices, metrics, control, log, shutdownTimeout, warnings);
    }

    private void warnOfStops(Map<String, DeviceConfig> devices, Map<String, DriveConfig> drives) {
        for (DeviceConfig device : devices.values()) {
            if (drives.get(device.drive()) == null || !device.mayStop(drives.get(device.drive()))) continue;
            String words = (device.errors().rerror() + ", werror = " + device.errors().werror()).toLowerCase(Locale.ROOT);
            warnings.add(new Problem(device.origin(), "may stop at an I/O error (rerror = " + words
                    + "), and nobody could resume it: there is no vireo.control.path",
                    "say one, or werror = report and rerror = report"));
        }
    }

    private IoThreadConfig iothread(String name, Block block) {
        var iothread = new IoThreadConfig(
                name,
                block.list("cpus", this::cpu),
                block.read("poll-max", IoThreadConfig.POLL_MAX, Value.duration(LONGEST)),
                block.read("poll-grow", IoThreadConfig.POLL_GROW, Value.integer(0, FACTOR_MAX)),
                block.read("poll-shrink", IoThreadConfig.POLL_SHRINK, Value.integer(0, FACTOR_MAX)),
                block.read("batch-max", IoThreadConfig.BATCH_MAX, Value.integer(1, FACTOR_MAX)),
                block.origin());
        block.finish();
        return iothread;
    }

    private int cpu(String text) {
        int cpu = Value.integer(0, 1 << 16).parse(text);
        if (cpus.contains(cpu)) return cpu;
        throw new Value.Refused("there is no cpu " + cpu + " here", "allowed: " + Cpus.format(cpus));
    }

    private static MetricsConfig metrics(Block block) {
        var metrics = new MetricsConfig(
                block.read("host", MetricsConfig.DEFAULT.host(), Value.text()),
                block.read("port", MetricsConfig.DEFAULT.port(), Value.integer(0, 65535)),
                block.origin());
        block.finish();
        return metrics;
    }

    /** For us alone: whoever may connect may do anything with every disk. */
    private static Optional<TransportConfig.SocketPath> control(Block block) {
        var control = new TransportConfig.SocketPath(
                SocketPaths.require(block, "/run/vireo/control.sock"), TransportConfig.SocketPath.MODE_ALONE,
                Optional.empty(), Optional.empty(), block.originOf("path"));
        block.finish();
        return Optional.of(control);
    }

    private static LogConfig log(Block block) {
        var log = new LogConfig(
                block.read("format", LogConfig.DEFAULT.format(), Value.word("format", LogConfig.Format.class)),
                block.read("level", LogConfig.DEFAULT.level(), Value.word("level", LogConfig.Level.class)));
        block.finish();
        return log;
    }
}
