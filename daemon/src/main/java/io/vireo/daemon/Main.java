package io.vireo.daemon;

import io.vireo.actors.plane.DriveException;
import io.vireo.actors.plane.TransportException;
import io.vireo.actors.vhostuser.SocketInUseException;
import io.vireo.config.ConfigException;
import io.vireo.embed.VireoException;
import io.vireo.posix.PosixException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Set;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** {@code ./vireo COMMAND}. */
@Command(
        name = "vireo",
        description = "A storage data plane for virtual machines.",
        footer = "  vm              Boots Linux on KVM with disks of this data plane: an example. ./vireo vm --help",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            ServeCommand.class,
            CheckCommand.class,
            QemuArgsCommand.class,
            StorageDaemonCommand.class,
            DemoCommand.class,
            BenchCommand.class,
            StatusCommand.class,
            ResizeCommand.class,
            DeviceAddCommand.class,
            DeviceDelCommand.class,
            IothreadCommand.class,
            TopCommand.class,
            QmpCommand.class,
            HelpCommand.class
        })
public final class Main implements Runnable {
    private static final Set<String> SERVING = Set.of("serve", "storage-daemon");

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    private Main() {}

    public static void main(String[] arguments) {
        // Whoever starts a daemon may end it at once, and is to get its exit status even so.
        if (arguments.length > 0 && SERVING.contains(arguments[0])) Signals.ofProcess();
        CommandLine vireo = new CommandLine(new Main());
        DeviceActionCommand.addTo(vireo);
        System.exit(vireo
                .setExecutionExceptionHandler((e, command, parsed) -> report(e))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments));
    }

    /** No command is not a command. */
    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "which command?");
    }

    /** What is the operator's, or his machine's, is said in a line; the rest is a fault of ours, with its trace. */
    private static int report(Exception e) {
        return switch (e) {
            case VireoException refused ->
                say(refused.kind() == VireoException.Kind.IMAGE_IN_USE ? ExitStatus.IN_USE : ExitStatus.USAGE, refused.getMessage());
            case ConfigException wrong -> say(ExitStatus.USAGE, wrong.getMessage());
            case DriveException drive -> say(drive.isInUse() ? ExitStatus.IN_USE : ExitStatus.USAGE, drive.getMessage());
            case TransportException transport -> say(ExitStatus.USAGE, transport.getMessage());
            case SocketInUseException socket -> say(ExitStatus.IN_USE, socket.getMessage());
            case OperatorException wrong -> say(wrong.status(), wrong.getMessage());
            case PosixException failed -> say(ExitStatus.FAILED, failed.getMessage());
            case UncheckedIOException failed -> say(ExitStatus.FAILED, failed.getCause().toString());
            case IOException failed -> say(ExitStatus.FAILED, failed.toString());
            default -> {
                e.printStackTrace();
                yield ExitStatus.FAILED;
            }
        };
    }

    private static int say(int status, String what) {
        System.err.println(what);
        return status;
    }
}
