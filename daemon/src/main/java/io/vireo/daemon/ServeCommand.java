package io.vireo.daemon;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "serve", description = "Runs the daemon that a configuration describes.", mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
    @Mixin
    private ConfigFile configFile;

    @Option(
            names = "--takeover",
            description = "takes the devices over, with their guests, from the daemon that runs by this configuration;"
                    + " refused, and that one goes on, if the two do not agree")
    private boolean takeover;

    @Override
    public Integer call() throws Exception {
        Daemon daemon = new Daemon(configFile.load());
        return takeover ? daemon.takeOver() : daemon.run();
    }
}
