package io.vireo.daemon;

import io.vireo.actors.plane.Nodes;
import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import io.vireo.storage.node.BlockNode;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "check", description = "Says whether a configuration would run, and as what.", mixinStandardHelpOptions = true)
final class CheckCommand implements Callable<Integer> {
    @Mixin
    private ConfigFile configFile;

    @Override
    public Integer call() {
        VireoConfig config = configFile.load();
        StringBuilder plan = new StringBuilder();
        for (DriveConfig drive : config.drives().values()) {
            try (BlockNode node = Nodes.open(drive)) {
                plan.append("drive ").append(drive.nodeName()).append(": ").append(node.driver()).append(", ")
                        .append(node.sizeBytes()).append(" bytes").append(node.readOnly() ? ", read-only" : "")
                        .append(how(drive.protocol())).append('\n');
            }
        }
        config.devices().values().forEach(device -> plan.append(describe(device)).append('\n'));
        System.out.print(plan);
        config.devices().values().forEach(CheckCommand::warnWhenAlone);
        return ExitStatus.DONE;
    }

    private static String how(DriveConfig drive) {
        return switch (drive) {
            case DriveConfig.FileDrive file -> how(file.options());
            case DriveConfig.HostDeviceDrive device -> how(device.options());
            default -> "";
        };
    }

    private static String how(io.vireo.config.FileOptions options) {
        return ", cache.direct " + (options.cache().direct() ? "on" : "off") + ", aio "
                + options.aio().name().toLowerCase();
    }

    private static String describe(DeviceConfig device) {
        String ioThreads = device.iothreads().isEmpty()
                ? "the default pool, as it names no iothread"
                : device.iothreads().stream().map(DeviceConfig.QueueAssignment::iothread).collect(Collectors.joining(", "));
        return "device " + device.name() + ": drive " + device.drive() + ", " + device.queues().count() + " queue(s) of "
                + device.queues().size() + ", " + (device.writeCache() ? "write-back" : "write-through") + ", on " + ioThreads;
    }

    private static void warnWhenAlone(DeviceConfig device) {
        if (device.transport().orElse(null) instanceof TransportConfig.SocketPath socket && (socket.mode() & 066) == 0) {
            System.err.println("warning: " + socket.origin().message("mode " + Integer.toOctalString(socket.mode())
                    + " lets nobody but " + socket.user().orElse("the daemon's own user")
                    + " connect; a VMM of another user needs a group and mode 0660"));
        }
    }
}
