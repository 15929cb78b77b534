package io.vireo.daemon;

import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "device-del",
        description = "Takes a device from a running daemon, and its drive when no other device has it. Waits for what is in"
                + " flight, flushes, and hangs up on its front-end.",
        mixinStandardHelpOptions = true)
final class DeviceDelCommand implements Callable<Integer> {
    @Mixin
    private ControlOption control;

    @Parameters(index = "0", paramLabel = "DEVICE", description = "the device's name")
    private String device;

    @Option(names = "--force", description = "does not wait: what is in flight gets no answer")
    private boolean force;

    @Override
    public Integer call() {
        try (QmpClient client = control.connect()) {
            client.execute("device-del", Map.of("device", device, "force", force));
        }
        return ExitStatus.DONE;
    }
}
