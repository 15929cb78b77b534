package io.vireo.actors.monitor;

import static io.vireo.monitoring.qmp.QmpMessage.ordered;

import io.vireo.actors.device.Device;
import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.actors.plane.DriveFacts;
import io.vireo.config.DeviceConfig;
import io.vireo.config.ErrorPolicyConfig;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.monitoring.metrics.Op;
import io.vireo.monitoring.metrics.Reason;
import io.vireo.posix.PeerCredentials;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/** query-devices: what is really running, and why so. Waits for no IOThread: a stuck device must show. */
public final class QueryDevices {
    private QueryDevices() {}

    public static MonitorCommand of(DataPlane plane) {
        return MonitorCommand.of("query-devices", arguments -> DeviceCommands.devices(plane, arguments),
                hosts -> hosts.stream().<Object>map(host -> describe(plane, host)).filter(Objects::nonNull).toList());
    }

    /** Null when it has just been taken away. */
    private static Map<String, Object> describe(DataPlane plane, DeviceHost host) {
        DriveFacts drive = plane.drive(host.config().drive());
        if (drive == null) return null;
        DeviceConfig config = host.config();
        long oldest = host.status().oldestRequestNanos();
        ErrorPolicyConfig errors = config.errors();
        return ordered(
                "device", host.name(),
                "type", "virtio-blk",
                "state", host.status().state(),
                "client", plane.client(host).<Object>map(QueryDevices::client).orElse(null),
                "labels", config.labels(),
                "drive", drive(drive),
                "size", host.properties().capacityBytes(),
                "read-only", host.properties().readOnly(),
                "write-cache", config.writeCache() ? "writeback" : "writethrough",
                "serial", config.serial(),
                "rerror", word(errors.rerror()),
                "werror", word(errors.werror()),
                "iothread-named", !config.iothreads().isEmpty(),
                "queues", queues(host),
                "requests", requests(host.status().counters()),
                "errors", errors(host.status().counters()),
                "in-flight", host.status().inflightRequests(),
                "oldest-seconds", oldest == 0 ? 0.0 : Math.max(0, System.nanoTime() - oldest) / 1e9);
    }

    private static Map<String, Object> client(PeerCredentials client) {
        return ordered("pid", client.pid(), "uid", client.uid());
    }

    private static Map<String, Object> drive(DriveFacts drive) {
        return ordered("node-name", drive.nodeName(), "driver", drive.driver(), "aio", drive.aio(),
                "aio-reason", drive.aioReason(), "cache", drive.cache(), "reads", reads(drive));
    }

    /** Where the bytes read came from: null of a drive that knows no difference. */
    static Map<String, Object> reads(DriveFacts drive) {
        if (drive.cacheReadBytes().isEmpty()) return null;
        return ordered("cache-bytes", drive.cacheReadBytes().getAsLong(), "engine-bytes", drive.engineReadBytes().getAsLong());
    }

    private static List<Object> queues(DeviceHost host) {
        Map<Integer, Device.QueueState> running = new LinkedHashMap<>();
        Device device = host.device();
        if (device != null) device.runningQueues().forEach(queue -> running.put(queue.index(), queue));
        List<Object> queues = new ArrayList<>();
        for (int index = 0; index < host.ioThreadOfQueue().size(); index++) {
            int queue = index;
            Device.QueueState state = running.get(queue);
            queues.add(ordered(
                    "queue", queue,
                    "iothread", host.ioThreadOfQueue().get(queue).name(),
                    "running", state != null,
                    "size", state == null ? 0 : state.size(),
                    "in-flight", state == null ? 0 : state.inFlight(),
                    "kicks", host.status().counters().stream().mapToLong(each -> each.kicks(queue)).sum(),
                    "calls", host.status().counters().stream().mapToLong(each -> each.calls(queue)).sum()));
        }
        return queues;
    }

    static Map<String, Object> requests(List<DeviceCounters> counters) {
        Map<String, Object> requests = new LinkedHashMap<>();
        for (int op = 0; op < Op.COUNT; op++) {
            int kind = op;
            long count = counters.stream().mapToLong(each -> each.requests(kind)).sum();
            if (count > 0) requests.put(Op.label(op), count);
        }
        return requests;
    }

    /** By reason, of all operations together. */
    private static Map<String, Object> errors(List<DeviceCounters> counters) {
        Map<String, Object> errors = new LinkedHashMap<>();
        for (int reason = 0; reason < Reason.COUNT; reason++) {
            long count = 0;
            for (DeviceCounters each : counters) for (int op = 0; op < Op.COUNT; op++) count += each.errors(op, reason);
            if (count > 0) errors.put(Reason.label(reason), count);
        }
        return errors;
    }

    private static String word(Enum<?> word) {
        return word.name().toLowerCase(Locale.ROOT);
    }
}
