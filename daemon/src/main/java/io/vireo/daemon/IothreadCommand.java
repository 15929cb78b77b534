package io.vireo.daemon;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "iothread",
        description = "Adds IOThreads to a running daemon, and removes those that no device has.",
        mixinStandardHelpOptions = true,
        subcommands = {IothreadCommand.Add.class, IothreadCommand.Remove.class, HelpCommand.class})
final class IothreadCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        throw new OperatorException(ExitStatus.USAGE, "iothread add or iothread remove?");
    }

    @Command(name = "add", description = "Starts an IOThread, for devices that are added later.", mixinStandardHelpOptions = true)
    static final class Add implements Callable<Integer> {
        @Mixin
        private ControlOption control;

        @Parameters(index = "0", paramLabel = "NAME", description = "its name")
        private String name;

        @Parameters(index = "1..*", paramLabel = "key=value", description = "as in its block of a configuration: poll-max=32us, cpus=[1]")
        private List<String> settings = new ArrayList<>();

        @Override
        public Integer call() {
            Map<String, Object> config = new LinkedHashMap<>();
            settings.forEach(setting -> QmpCommand.put(config, setting));
            try (QmpClient client = control.connect()) {
                DeviceAddCommand.report((Map<?, ?>) client.execute("iothread-add", Map.of("iothread", name, "config", config)));
            }
            return ExitStatus.DONE;
        }
    }

    @Command(name = "remove", description = "Ends an IOThread that no device has.", mixinStandardHelpOptions = true)
    static final class Remove implements Callable<Integer> {
        @Mixin
        private ControlOption control;

        @Parameters(index = "0", paramLabel = "NAME", description = "its name")
        private String name;

        @Override
        public Integer call() {
            try (QmpClient client = control.connect()) {
                client.execute("iothread-del", Map.of("iothread", name));
            }
            return ExitStatus.DONE;
        }
    }
}
