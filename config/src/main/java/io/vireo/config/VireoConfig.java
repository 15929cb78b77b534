package io.vireo.config;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything one instance runs. Maps are keyed by name, in the order of the names; every reference inside (a device's
 * drive, its IOThreads) exists when this came from {@link ConfigLoader}.
 *
 * @param drives the top node of each chain, by node-name
 * @param control where an operator's commands come in; empty = nowhere
 * @param metrics empty when nothing was said about them; whether that means off is the caller's decision
 * @param warnings what was accepted but changed or looks unintended; to be logged once
 */
public record VireoConfig(
        Map<String, IoThreadConfig> iothreads,
        Map<String, DriveConfig> drives,
        Map<String, DeviceConfig> devices,
        Optional<MetricsConfig> metrics,
        Optional<TransportConfig.SocketPath> control,
        LogConfig log,
        Duration shutdownTimeout,
        List<Problem> warnings) {
    public static final Duration SHUTDOWN_TIMEOUT = Duration.ofSeconds(30);

    public VireoConfig {
        iothreads = inOrder(iothreads);
        drives = inOrder(drives);
        devices = inOrder(devices);
        warnings = List.copyOf(warnings);
    }

    /** Nothing to run, defaults for the rest. */
    public static VireoConfig empty() {
        return new VireoConfig(
                Map.of(), Map.of(), Map.of(), Optional.empty(), Optional.empty(), LogConfig.DEFAULT, SHUTDOWN_TIMEOUT, List.of());
    }

    public VireoConfig withIothread(IoThreadConfig iothread) {
        return new VireoConfig(
                plus(iothreads, iothread.name(), iothread), drives, devices, metrics, control, log, shutdownTimeout,
                warnings);
    }

    public VireoConfig withDrive(DriveConfig drive) {
        return new VireoConfig(
                iothreads, plus(drives, drive.nodeName(), drive), devices, metrics, control, log, shutdownTimeout,
                warnings);
    }

    public VireoConfig withDevice(DeviceConfig device) {
        return new VireoConfig(
                iothreads, drives, plus(devices, device.name(), device), metrics, control, log, shutdownTimeout,
                warnings);
    }

    public VireoConfig withMetrics(MetricsConfig newMetrics) {
        return new VireoConfig(
                iothreads, drives, devices, Optional.of(newMetrics), control, log, shutdownTimeout, warnings);
    }

    /** With what is said for IOThreads, drives and devices there in addition. */
    public VireoConfig plus(VireoConfig more) {
        return with(plus(iothreads, more.iothreads), plus(drives, more.drives), plus(devices, more.devices));
    }

    public VireoConfig withoutIothread(String name) {
        return with(minus(iothreads, name), drives, devices);
    }

    public VireoConfig withoutDrive(String nodeName) {
        return with(iothreads, minus(drives, nodeName), devices);
    }

    public VireoConfig withoutDevice(String name) {
        return with(iothreads, drives, minus(devices, name));
    }

    /** The rest of it: without any IOThread, drive or device. */
    public VireoConfig emptied() {
        return with(Map.of(), Map.of(), Map.of());
    }

    private VireoConfig with(
            Map<String, IoThreadConfig> newIothreads, Map<String, DriveConfig> newDrives, Map<String, DeviceConfig> newDevices) {
        return new VireoConfig(newIothreads, newDrives, newDevices, metrics, control, log, shutdownTimeout, warnings);
    }

    /** Whether a drive's image is somebody else's until a guest arrives. */
    public boolean isIncoming(DriveConfig drive) {
        return devices.values().stream().filter(device -> device.drive().equals(drive.nodeName()))
                .anyMatch(device -> device.transport().map(TransportConfig::incoming).orElse(false));
    }

    private static <T> Map<String, T> inOrder(Map<String, T> map) {
        return Collections.unmodifiableMap(new LinkedHashMap<>(map));
    }

    private static <T> Map<String, T> plus(Map<String, T> map, String name, T value) {
        return plus(map, Map.of(name, value));
    }

    private static <T> Map<String, T> plus(Map<String, T> map, Map<String, T> more) {
        var copy = new LinkedHashMap<>(map);
        copy.putAll(more);
        return copy;
    }

    private static <T> Map<String, T> minus(Map<String, T> map, String name) {
        var copy = new LinkedHashMap<>(map);
        copy.remove(name);
        return copy;
    }
}
