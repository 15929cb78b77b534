package io.vireo.daemon;

import static io.vireo.monitoring.qmp.QmpMessage.ordered;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What happened between two answers of query-counters. Devices and IOThreads that are in one of them alone are left out. */
final class TopInterval {
    private final List<Object> devices = new ArrayList<>();
    private final List<Object> drives = new ArrayList<>();
    private final List<Object> ioThreads = new ArrayList<>();
    private final List<Long> bounds;
    private final double seconds;

    TopInterval(Map<?, ?> before, Map<?, ?> after) {
        bounds = numbers(after.get("bucket-bounds-nanos"));
        seconds = Math.max(1, number(after, "nanos") - number(before, "nanos")) / 1e9;
        Map<Object, Map<?, ?>> devicesBefore = byName(before, "devices", "device");
        byName(after, "devices", "device").forEach((name, now) -> {
            if (devicesBefore.containsKey(name)) devices.add(device(devicesBefore.get(name), now));
        });
        Map<Object, Map<?, ?>> drivesBefore = byName(before, "drives", "drive");
        byName(after, "drives", "drive").forEach((name, now) -> {
            if (drivesBefore.containsKey(name)) drives.add(drive(drivesBefore.get(name), now));
        });
        Map<Object, Map<?, ?>> ioThreadsBefore = byName(before, "iothreads", "iothread");
        byName(after, "iothreads", "iothread").forEach((name, now) -> {
            if (ioThreadsBefore.containsKey(name)) ioThreads.add(ioThread(ioThreadsBefore.get(name), now));
        });
    }

    /** For {@link io.vireo.monitoring.qmp.JsonText}. */
    Map<String, Object> json() {
        return ordered("seconds", rounded(seconds), "devices", devices, "drives", drives, "iothreads", ioThreads);
    }

    String table() {
        StringBuilder text = new StringBuilder();
        text.append("%-16s %-9s %10s %10s %10s %10s %9s%n".formatted("DEVICE", "STATE", "IOPS", "MB/S", "P50 US", "P99 US", "IN FLIGHT"));
        for (Object each : devices) {
            Map<?, ?> device = (Map<?, ?>) each;
            text.append(String.format(Locale.ROOT, "%-16s %-9s %,10.0f %,10.1f %10s %10s %9s%n", device.get("device"), device.get("state"),
                    device.get("iops"), device.get("mb-per-second"), latency(device.get("p50-us")), latency(device.get("p99-us")),
                    device.get("in-flight")));
        }
        text.append("%-16s %10s %12s%n".formatted("DRIVE", "READ MB/S", "FROM CACHE %"));
        for (Object each : drives) {
            Map<?, ?> drive = (Map<?, ?>) each;
            Object share = drive.get("cache-percent");
            text.append(String.format(Locale.ROOT, "%-16s %10s %12s%n", drive.get("drive"), decimal(drive.get("read-mb-per-second")),
                    decimal(share)));
        }
        text.append("%-16s %9s %9s %9s%n".formatted("IOTHREAD", "BUSY %", "POLLING %", "IDLE %"));
        for (Object each : ioThreads) {
            Map<?, ?> ioThread = (Map<?, ?>) each;
            text.append(String.format(Locale.ROOT, "%-16s %9.1f %9.1f %9.1f%n", ioThread.get("iothread"),
                    ioThread.get("busy-percent"), ioThread.get("polling-percent"), ioThread.get("idle-percent")));
        }
        return text.toString();
    }

    private Map<String, Object> device(Map<?, ?> before, Map<?, ?> after) {
        List<Long> earlier = numbers(before.get("latencies"));
        List<Long> latencies = numbers(after.get("latencies"));
        for (int i = 0; i < latencies.size(); i++) latencies.set(i, latencies.get(i) - earlier.get(i));
        return ordered(
                "device", after.get("device"),
                "state", after.get("state"),
                "iops", rounded((number(after, "requests") - number(before, "requests")) / seconds),
                "mb-per-second", rounded((number(after, "bytes") - number(before, "bytes")) / 1e6 / seconds),
                "p50-us", micros(latencies, 0.50),
                "p99-us", micros(latencies, 0.99),
                "in-flight", after.get("in-flight"));
    }

    /** Of a drive without a page cache, and of one that nobody read, the share is null. */
    private Map<String, Object> drive(Map<?, ?> before, Map<?, ?> after) {
        if (!(before.get("reads") instanceof Map<?, ?> earlier) || !(after.get("reads") instanceof Map<?, ?> later)) {
            return ordered("drive", after.get("drive"), "read-mb-per-second", null, "cache-percent", null);
        }
        long cache = number(later, "cache-bytes") - number(earlier, "cache-bytes");
        long all = cache + number(later, "engine-bytes") - number(earlier, "engine-bytes");
        return ordered("drive", after.get("drive"), "read-mb-per-second", rounded(all / 1e6 / seconds),
                "cache-percent", all == 0 ? null : rounded(100.0 * cache / all));
    }

    private static String decimal(Object number) {
        return number == null ? "-" : String.format(Locale.ROOT, "%,.1f", number);
    }

    private Map<String, Object> ioThread(Map<?, ?> before, Map<?, ?> after) {
        Map<String, Object> shares = ordered("iothread", after.get("iothread"));
        for (String state : List.of("busy", "polling", "idle")) {
            long nanos = number(after, state + "-nanos") - number(before, state + "-nanos");
            shares.put(state + "-percent", rounded(nanos / 1e7 / seconds));
        }
        return shares;
    }

    /** The bound of the bucket that the share of requests falls into: not longer than that; null without requests. */
    private Double micros(List<Long> latencies, double share) {
        long all = latencies.stream().mapToLong(Long::longValue).sum();
        long seen = 0;
        for (int bucket = 0; bucket < latencies.size() && all > 0; bucket++) {
            seen += latencies.get(bucket);
            // Of the last bucket only the lower bound is known.
            if (seen >= Math.ceil(all * share)) return bounds.get(Math.min(bucket, bounds.size() - 2)) / 1e3;
        }
        return null;
    }

    private static String latency(Object micros) {
        return micros == null ? "-" : String.format(Locale.ROOT, "<= %,.0f", micros);
    }

    private static double rounded(double value) {
        return Math.round(value * 100) / 100.0;
    }

    private static Map<Object, Map<?, ?>> byName(Map<?, ?> answer, String list, String name) {
        Map<Object, Map<?, ?>> named = new LinkedHashMap<>();
        for (Object each : (List<?>) answer.get(list)) named.put(((Map<?, ?>) each).get(name), (Map<?, ?>) each);
        return named;
    }

    private static long number(Map<?, ?> of, String name) {
        return ((Number) of.get(name)).longValue();
    }

    private static List<Long> numbers(Object list) {
        List<Long> numbers = new ArrayList<>();
        for (Object each : (List<?>) list) numbers.add(((Number) each).longValue());
        return numbers;
    }
}
