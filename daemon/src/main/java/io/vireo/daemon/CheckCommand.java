package io.vireo.daemon;

import io.vireo.actors.plane.DataPlane;
import io.vireo.config.DeviceConfig;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "check", description = "Says whether a configuration would run, and as what.", mixinStandardHelpOptions = true)
final class CheckCommand implements Callable<Integer> {
    /** Connecting takes the permission to write. */
    private static final int OTHERS_CONNECT = 022;

    @Mixin
    private ConfigFile configFile;

    @Override
    public Integer call() {
        VireoConfig config = configFile.load();
        DataPlane.check(config);
        String plan = Plan.of(config, Daemon.mayUseUring());
        System.out.print(plan);
        if (config.devices().isEmpty()) System.err.println("warning: " + Daemon.NOTHING_TO_SERVE);
        config.devices().values().forEach(CheckCommand::warnWhenAlone);
        return ExitStatus.DONE;
    }

    private static void warnWhenAlone(DeviceConfig device) {
        if (device.transport().orElse(null) instanceof TransportConfig.SocketPath socket && (socket.mode() & OTHERS_CONNECT) == 0) {
            System.err.println("warning: " + socket.origin().message("mode " + Integer.toOctalString(socket.mode())
                    + " lets nobody but " + socket.user().orElse("the daemon's own user")
                    + " connect; a VMM of another user needs a group and mode 0660"));
        }
    }
}
