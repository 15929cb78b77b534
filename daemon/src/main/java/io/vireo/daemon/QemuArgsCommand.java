package io.vireo.daemon;

import io.vireo.config.DeviceConfig;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
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

    @Option(names = "--memory", defaultValue = "512M", description = "the guest's memory (default: ${DEFAULT-VALUE})")
    private String memory;

    @Override
    public Integer call() {
        VireoConfig config = configFile.load();
        if (device != null && !config.devices().containsKey(device)) {
            throw new OperatorException(ExitStatus.USAGE, "no device " + device + "; there are " + config.devices().keySet());
        }
        List<String> lines = new ArrayList<>();
        // A back-end in another process sees guest memory only when it is shared.
        lines.add("-m " + memory + " -object memory-backend-memfd,id=vireo-memory,size=" + memory
                + ",share=on -machine memory-backend=vireo-memory");
        int bootIndex = 1;
        for (DeviceConfig each : config.devices().values()) {
            if (device == null || device.equals(each.name())) lines.addAll(attach(each, bootIndex++));
        }
        lines.forEach(System.out::println);
        return ExitStatus.DONE;
    }

    private static List<String> attach(DeviceConfig device, int bootIndex) {
        if (!(device.transport().orElse(null) instanceof TransportConfig.SocketPath socket)) {
            throw new OperatorException(ExitStatus.USAGE,
                    device.origin().message("has no socket path that QEMU could connect to"));
        }
        String id = "vireo-" + device.name();
        // A comma ends an option in QEMU's syntax; two are one in a value.
        String path = socket.path().toString().replace(",", ",,");
        return List.of(
                "-chardev socket,id=" + id + ",path=" + path + ",reconnect=1",
                "-device vhost-user-blk-pci,id=" + id + "-disk,chardev=" + id + ",num-queues=" + device.queues().count()
                        + ",queue-size=" + device.queues().size() + ",bootindex=" + bootIndex);
    }
}
