package io.vireo.actors.monitor;

import static io.vireo.monitoring.qmp.QmpMessage.ordered;

import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.monitoring.metrics.LatencyBuckets;
import io.vireo.monitoring.metrics.Op;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** query-counters: what whoever shows a live view takes the differences of. All of it only grows. */
public final class QueryCounters {
    private QueryCounters() {}

    public static MonitorCommand of(DataPlane plane) {
        return MonitorCommand.of("query-counters", _ -> null, _ -> {
            long now = System.nanoTime();
            return ordered(
                    "nanos", now,
                    "bucket-bounds-nanos",
                    list(IntStream.range(0, LatencyBuckets.COUNT).mapToLong(LatencyBuckets::boundNanos)),
                    "devices", plane.devices().stream().<Object>map(QueryCounters::device).toList(),
                    "drives", drives(plane),
                    "iothreads",
                    plane.ioThreads().all().stream().<Object>map(ioThread -> ioThread(ioThread, now)).toList());
        });
    }

    private static Map<String, Object> device(DeviceHost host) {
        long[] latencies = new long[LatencyBuckets.COUNT];
        long bytes = 0;
        for (DeviceCounters each : host.status().counters()) {
            for (int op = 0; op < Op.COUNT; op++) {
                for (int bucket = 0; bucket < latencies.length; bucket++) latencies[bucket] += each.latencies(op, bucket);
            }
            // What was discarded or zeroed was not moved.
            bytes += each.bytes(Op.READ) + each.bytes(Op.WRITE);
        }
        return ordered("device", host.name(), "state", host.status().state(), "requests", Arrays.stream(latencies).sum(),
                "bytes", bytes, "latencies", list(Arrays.stream(latencies)), "in-flight", host.status().inflightRequests());
    }

    /** Those that have a device, once each. */
    private static List<Object> drives(DataPlane plane) {
        return plane.devices().stream().map(host -> host.config().drive()).distinct().map(plane::drive).filter(Objects::nonNull)
                .<Object>map(drive -> ordered("drive", drive.nodeName(), "reads", QueryDevices.reads(drive))).toList();
    }

    private static Map<String, Object> ioThread(IoThread ioThread, long now) {
        return ordered("iothread", ioThread.name(), "busy-nanos", ioThread.counters().busyNanos(),
                "polling-nanos", ioThread.counters().pollingNanos(), "idle-nanos", ioThread.counters().idleNanos(now));
    }

    private static List<Object> list(LongStream numbers) {
        return numbers.<Object>mapToObj(number -> number).toList();
    }
}
