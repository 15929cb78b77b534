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
import java.util.TreeSet;

/** Reads the block {@code vireo}. */
final class VireoReader {
    private static final Duration LONGEST = Duration.ofHours(1);
    private static final int FACTOR_MAX = 1024;

    private final Set<Integer> cpus;
    private final boolean embedded;
    /** Null when nothing runs yet. */
    private final VireoConfig running;
    private final List<Problem> problems = new ArrayList<>();
    private final List<Problem> warnings = new ArrayList<>();

    VireoReader(Set<Integer> cpus, boolean embedded) {
        this(cpus, embedded, null);
    }

    /** Of what is added to a configuration that runs. */
    VireoReader(Set<Integer> cpus, VireoConfig running) {
        this(cpus, false, running);
    }

    private VireoReader(Set<Integer> cpus, boolean embedded, VireoConfig running) {
        this.cpus = cpus;
        this.embedded = embedded;
        this.running = running;
    }

    /** What was found to be wrong so far. */
    List<Problem> problems() {
        return problems;
    }

    VireoConfig read(Block root) {
        VireoConfig there = running == null ? VireoConfig.empty() : running;
        var iothreads = new LinkedHashMap<String, IoThreadConfig>();
        free(root.named("iothreads"), there.iothreads().keySet()).forEach((name, block) -> iothreads.put(name, iothread(name, block)));

        SortedMap<String, Block> driveBlocks = free(root.named("drives"), there.drives().keySet());
        var drives = new LinkedHashMap<String, DriveConfig>();
        var driveReader = new DriveReader(both(driveBlocks.keySet(), there.drives().keySet()));
        driveBlocks.forEach((name, block) -> drives.put(name, driveReader.read(name, block)));

        var devices = new LinkedHashMap<String, DeviceConfig>();
        var deviceReader = new DeviceReader(
                both(iothreads.keySet(), there.iothreads().keySet()), both(drives.keySet(), there.drives().keySet()), embedded, warnings);
        var conflicts = new Conflicts(problems);
        for (DeviceConfig device : there.devices().values()) conflicts.add(device, there.drives().get(device.drive()), device.origin());
        free(root.named("devices"), there.devices().keySet()).forEach((name, block) -> {
            DeviceConfig device = deviceReader.read(name, block);
            devices.put(name, device);
            DriveConfig drive = drives.getOrDefault(device.drive(), there.drives().get(device.drive()));
            if (drive != null) conflicts.add(device, drive, block.originOf("drive"));
        });

        if (running != null) {
            root.finish();
            return new VireoConfig(
                    iothreads, drives, devices, Optional.empty(), Optional.empty(), LogConfig.DEFAULT,
                    running.shutdownTimeout(), warnings);
        }
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

    /** The blocks whose names nobody has; the others are problems. */
    private SortedMap<String, Block> free(SortedMap<String, Block> blocks, Set<String> taken) {
        for (String name : taken) {
            Block block = blocks.remove(name);
            if (block != null) problems.add(new Problem(block.origin(), "'" + name + "' is there already", "allowed: a name that is free"));
        }
        return blocks;
    }

    private static Set<String> both(Set<String> said, Set<String> there) {
        var both = new TreeSet<>(said);
        both.addAll(there);
        return both;
    }

    /** Of those that were told so: what a full disk does by default is worth no line at each start. */
    private void warnOfStops(Map<String, DeviceConfig> devices, Map<String, DriveConfig> drives) {
        for (DeviceConfig device : devices.values()) {
            if (drives.get(device.drive()) == null || !device.mayStop(drives.get(device.drive()))) continue;
            if (device.errors().equals(ErrorPolicyConfig.DEFAULT)) continue;
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
