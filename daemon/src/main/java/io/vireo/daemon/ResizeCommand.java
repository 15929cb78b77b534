package io.vireo.daemon;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "resize",
        description = "Gives a device and its drive another size. A file grows; a device of the host, or a file that somebody"
                + " has made larger already, is taken as it is.",
        mixinStandardHelpOptions = true)
final class ResizeCommand implements Callable<Integer> {
    @Mixin
    private ControlOption control;

    @Parameters(index = "0", paramLabel = "DEVICE", description = "the device's name")
    private String device;

    @Parameters(index = "1", arity = "0..1", paramLabel = "SIZE", converter = DiskBytes.class,
            description = "bytes, or with K, M, G or T behind it; without it, what the drive has by now")
    private Long size;

    @Option(names = "--force", description = "also to a smaller size: what lies behind it is lost")
    private boolean force;

    @Override
    public Integer call() {
        Map<String, Object> arguments = new LinkedHashMap<>(Map.of("device", device, "force", force));
        if (size != null) arguments.put("size", size);
        try (QmpClient client = control.connect()) {
            Map<?, ?> answer = (Map<?, ?>) client.execute("device-resize", arguments);
            System.out.println("device " + device + ": " + answer.get("size") + " bytes");
        }
        return ExitStatus.DONE;
    }
}
