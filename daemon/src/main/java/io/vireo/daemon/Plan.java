package io.vireo.daemon;

import io.vireo.actors.iothread.HostAio;
import io.vireo.actors.plane.Nodes;
import io.vireo.actors.plane.Placement;
import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.FileOptions;
import io.vireo.config.VireoConfig;
import io.vireo.storage.file.AioChoice;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What a configuration would run as on this host, in words: what was chosen, not only what was asked for. */
final class Plan {
    private Plan() {}

    /**
     * A line per drive, each of which is opened and closed for that, a line per device, and where it is watched and
     * controlled.
     *
     * @throws io.vireo.actors.plane.DriveException an image that cannot be opened
     */
    static String of(VireoConfig config, boolean uring) {
        StringBuilder plan = new StringBuilder();
        for (DriveConfig drive : config.drives().values()) {
            try (BlockNode node = Nodes.open(drive, !config.isIncoming(drive))) {
                plan.append("drive ").append(drive.nodeName()).append(": ").append(node.driver()).append(", ")
                        .append(node.sizeBytes()).append(" bytes").append(node.readOnly() ? ", read-only" : "")
                        .append(how(drive.protocol(), uring)).append('\n');
            }
        }
        Placement placement = new Placement(config.iothreads().keySet(), Placement.defaultPoolSize());
        for (DeviceConfig device : config.devices().values()) {
            plan.append(describe(device, placement.assign(device, device.queues().count()))).append('\n');
        }
        config.metrics().ifPresent(metrics ->
                plan.append("metrics at http://").append(metrics.host()).append(':').append(metrics.port()).append("/metrics\n"));
        config.control().ifPresent(control -> plan.append("control socket at ").append(control.path()).append('\n'));
        return plan.toString();
    }

    private static String how(DriveConfig drive, boolean uring) {
        return switch (drive) {
            case DriveConfig.FileDrive file -> how(file.options(), uring);
            case DriveConfig.HostDeviceDrive device -> how(device.options(), uring);
            default -> "";
        };
    }

    private static String how(FileOptions options, boolean uring) {
        boolean direct = options.cache().direct();
        AioMode requested = AioMode.valueOf(options.aio().name());
        AioChoice chosen = HostAio.choose(requested, direct, uring);
        String why = requested == chosen.kind() ? ""
                : " (aio = " + requested + (chosen.reason().isEmpty() ? "" : "; " + chosen.reason()) + ")";
        return ", cache.direct " + (direct ? "on" : "off") + ", aio " + chosen.kind() + why;
    }

    private static String describe(DeviceConfig device, List<String> ioThreadOfQueue) {
        return "device " + device.name() + ": drive " + device.drive() + ", " + device.queues().count() + " queue(s) of "
                + device.queues().size() + ", " + (device.writeCache() ? "write-back" : "write-through") + ", on "
                + shares(ioThreadOfQueue)
                + (device.iothreads().isEmpty() ? ", of the default pool, as it names no iothread" : "")
                + device.transport().map(transport -> ", at " + Sockets.describe(transport)).orElse("");
    }

    private static String shares(List<String> ioThreadOfQueue) {
        Map<String, List<String>> queues = new LinkedHashMap<>();
        for (int queue = 0; queue < ioThreadOfQueue.size(); queue++) {
            queues.computeIfAbsent(ioThreadOfQueue.get(queue), _ -> new ArrayList<>()).add(Integer.toString(queue));
        }
        if (queues.size() == 1) return ioThreadOfQueue.getFirst();
        return queues.entrySet().stream()
                .map(share -> share.getKey() + " (queues " + String.join(" ", share.getValue()) + ")")
                .collect(Collectors.joining(", "));
    }
}
