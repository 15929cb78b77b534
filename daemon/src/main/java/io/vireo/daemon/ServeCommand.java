package io.vireo.daemon;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "serve", description = "Runs the daemon that a configuration describes.", mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
    @Mixin
    private ConfigFile configFile;

    @Override
    public Integer call() throws Exception {
        return new Daemon(configFile.load()).run();
    }
}
