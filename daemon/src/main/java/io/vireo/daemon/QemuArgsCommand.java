package io.vireo.daemon;

import io.vireo.config.DeviceConfig;
import io.vireo.config.RingFeature;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import io.vireo.config.VirtqueueConfig;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "qemu-args",
        description = "Prints what QEMU needs to attach a device, or all of them.",
        mixinStandardHelpOptions = true)
final class QemuArgsCommand implements Callable<Integer> {
    @Mixin
    private ConfigFile configFile;

    @Parameters(index = "1", arity = "0..1", paramLabel = "DEVICE", description = "one device only")
    private String device;

    @Option(names = "--memory", defaultValue = "512M",
            description = "the guest's memory: a number, and K, M (also without), G or T (default: ${DEFAULT-VALUE})")
    private String memory;

    @Override
    public Integer call() {
        if (!memory.matches("0*[1-9][0-9]{0,14}[KMGTkmgt]?")) {
            throw new OperatorException(ExitStatus.USAGE,
                    "--memory " + memory + " is not a number with K, M, G or T behind it, such as 512M");
        }
        // QEMU itself takes a bare number as MiB after -m, and as bytes in an object.
        String size = Character.isDigit(memory.charAt(memory.length() - 1)) ? memory + "M" : memory;
        VireoConfig config = configFile.load();
        if (device != null && !config.devices().containsKey(device)) {
            throw new OperatorException(ExitStatus.USAGE, "no device " + device + "; there are " + config.devices().keySet());
        }
        if (config.devices().isEmpty()) throw new OperatorException(ExitStatus.USAGE, "no devices: nothing to attach");
        List<String> lines = new ArrayList<>();
        // A back-end in another process sees guest memory only when it is shared.
        lines.add("-m " + size + " -object memory-backend-memfd,id=vireo-memory,size=" + size
                + ",share=on -machine memory-backend=vireo-memory");
        int bootIndex = 1;
        for (DeviceConfig each : config.devices().values()) {
            if (device == null || device.equals(each.name())) lines.addAll(attach(each, bootIndex++));
        }
        lines.forEach(System.out::println);
        return ExitStatus.DONE;
    }

    private static List<String> attach(DeviceConfig device, int bootIndex) {
        String id = "vireo-" + device.name();
        String chardev = switch (device.transport().orElse(null)) {
            case TransportConfig.SocketPath socket -> socket(id, socket.path()) + ",reconnect=1";
            case TransportConfig.SocketPeer peer -> socket(id, peer.path()) + ",server=on,wait=off";
            case null, default -> throw new OperatorException(ExitStatus.USAGE,
                    device.origin().message("has no socket path that QEMU could connect to"));
        };
        return List.of(
                chardev,
                "-device vhost-user-blk-pci,id=" + id + "-disk,chardev=" + id + ",num-queues=" + device.queues().count()
                        + ",queue-size=" + device.queues().size() + ringProperties(device.queues())
                        + ",bootindex=" + bootIndex);
    }

    /** QEMU offers these to its guest only when it is told to as well; in_order since its version 9.1. */
    private static String ringProperties(VirtqueueConfig queues) {
        return Stream.of(RingFeature.PACKED, RingFeature.IN_ORDER).filter(queues::offers)
                .map(feature -> "," + feature.key() + "=on").collect(Collectors.joining());
    }

    private static String socket(String id, Path path) {
        // A comma ends an option in QEMU's syntax; two are one in a value.
        return "-chardev socket,id=" + id + ",path=" + path.toString().replace(",", ",,");
    }
}
