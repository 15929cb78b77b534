package io.vireo.daemon;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "device-add",
        description = "Adds devices, with their drives and IOThreads, to a running daemon: all that is said, or nothing.",
        mixinStandardHelpOptions = true)
final class DeviceAddCommand implements Callable<Integer> {
    @Mixin
    private ControlOption control;

    @Parameters(index = "0", paramLabel = "FILE.conf|JSON",
            description = "a file of HOCON, which the daemon reads, or an object of JSON in braces:"
                    + " drives, devices and iothreads, as in a configuration")
    private String addition;

    @Override
    public Integer call() {
        boolean inline = addition.stripLeading().startsWith("{");
        Map<String, Object> arguments = inline ? Map.of("config", QmpCommand.json(addition))
                : Map.of("file", Path.of(addition).toAbsolutePath().toString());
        try (QmpClient client = control.connect()) {
            report((Map<?, ?>) client.execute("device-add", arguments));
        }
        return ExitStatus.DONE;
    }

    /** A line for each thing that was added; what looks unintended goes to stderr. */
    static void report(Map<?, ?> added) {
        ((List<?>) added.get("warnings")).forEach(warning -> System.err.println("warning: " + warning));
        for (String kind : List.of("iothread", "drive", "device")) {
            ((List<?>) added.get(kind + "s")).forEach(name -> System.out.println(kind + " " + name + " added"));
        }
    }
}
