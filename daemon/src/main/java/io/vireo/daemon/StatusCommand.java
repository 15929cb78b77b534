package io.vireo.daemon;

import io.vireo.monitoring.qmp.JsonText;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "status",
        aliases = "qtree",
        description = "Shows what a running daemon's devices really are and do.",
        mixinStandardHelpOptions = true)
final class StatusCommand implements Callable<Integer> {
    @Mixin
    private ControlOption control;

    @Parameters(index = "0", arity = "0..1", paramLabel = "DEVICE", description = "one device only")
    private String device;

    @Option(names = "--json", description = "prints one JSON array instead of a tree")
    private boolean json;

    @Override
    public Integer call() {
        try (QmpClient client = control.connect()) {
            Object devices = client.execute("query-devices", device == null ? Map.of() : Map.of("device", device));
            if (json) System.out.println(JsonText.of(devices));
            else for (Object each : (List<?>) devices) System.out.print(StatusTree.of((Map<?, ?>) each));
        }
        return ExitStatus.DONE;
    }
}
