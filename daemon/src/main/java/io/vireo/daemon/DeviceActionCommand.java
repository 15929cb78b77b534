package io.vireo.daemon;

import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** One thing done to one device of a running daemon. */
@Command(mixinStandardHelpOptions = true)
final class DeviceActionCommand implements Callable<Integer> {
    private final String command;

    @Mixin
    private ControlOption control;

    @Parameters(index = "0", paramLabel = "DEVICE", description = "the device's name")
    private String device;

    private DeviceActionCommand(String command) {
        this.command = command;
    }

    static void addTo(CommandLine vireo) {
        add(vireo, "pause", "Takes no more requests from a device's rings until it is resumed; what is in flight goes on.");
        add(vireo, "resume", "Goes on with a device that was paused or has stopped at an I/O error, whose failed requests are"
                + " tried again first.");
        add(vireo, "drain", "Waits until a device has nothing in flight, and flushes its drive.");
    }

    private static void add(CommandLine vireo, String name, String description) {
        CommandLine added = new CommandLine(new DeviceActionCommand("device-" + name));
        added.getCommandSpec().usageMessage().description(description);
        vireo.addSubcommand(name, added);
    }

    @Override
    public Integer call() {
        try (QmpClient client = control.connect()) {
            client.execute(command, Map.of("device", device));
        }
        return ExitStatus.DONE;
    }
}
