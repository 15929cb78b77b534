package io.vireo.daemon;

import io.vireo.actors.plane.DriveException;
import io.vireo.actors.plane.TransportException;
import io.vireo.actors.takeover.TakeoverException;
import io.vireo.actors.vhostuser.SocketInUseException;
import io.vireo.config.ConfigException;
import io.vireo.embed.VireoException;
import io.vireo.posix.PosixException;
import java.io.IOException;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;

/** {@code ./vireo COMMAND}. */
@Command(
        name = "vireo",
        description = "A storage data plane for virtual machines.",
        footer = "  vm              Boots Linux on KVM with disks of this data plane: an example. ./vireo vm --help",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
public final class Main implements Runnable {
    private static final String SERVE = "serve";
    private static final String STORAGE_DAEMON = "storage-daemon";

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    private Main() {}

    public static void main(String[] arguments) {
        // Whoever starts a daemon may end it at once, and is to get its exit status even so.
        String wanted = arguments.length == 0 ? "" : arguments[0];
        if (wanted.equals(SERVE) || wanted.equals(STORAGE_DAEMON)) Signals.ofProcess();
        System.exit(knowing(wanted)
                .setExecutionExceptionHandler((e, command, parsed) -> report(e))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments));
    }

    /** A daemon's start does without the other commands, whose annotations take a quarter of a second to read. */
    private static CommandLine knowing(String command) {
        CommandLine vireo = new CommandLine(new Main());
        switch (command) {
            case SERVE -> vireo.addSubcommand(ServeCommand.class);
            case STORAGE_DAEMON -> vireo.addSubcommand(StorageDaemonCommand.class);
            default -> addAll(vireo);
        }
        vireo.getSubcommands().values().forEach(Main::giveVersion);
        return vireo;
    }

    private static void giveVersion(CommandLine command) {
        command.getCommandSpec().versionProvider(new Version());
        command.getSubcommands().values().forEach(Main::giveVersion);
    }

    private static void addAll(CommandLine vireo) {
        vireo.addSubcommand(ServeCommand.class)
                .addSubcommand(CheckCommand.class)
                .addSubcommand(QemuArgsCommand.class)
                .addSubcommand(StorageDaemonCommand.class)
                .addSubcommand(DemoCommand.class)
                .addSubcommand(BenchCommand.class)
                .addSubcommand(StatusCommand.class)
                .addSubcommand(ResizeCommand.class)
                .addSubcommand(DeviceAddCommand.class)
                .addSubcommand(DeviceDelCommand.class)
                .addSubcommand(IothreadCommand.class)
                .addSubcommand(TopCommand.class)
                .addSubcommand(QmpCommand.class)
                .addSubcommand(HelpCommand.class);
        DeviceActionCommand.addTo(vireo);
    }

    /** No command is not a command. */
    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "which command?");
    }

    /** What is the operator's, or his machine's, is said in a line; the rest is a fault of ours, with its trace. The exit status. */
    static int report(Throwable e) {
        switch (e) {
            case VireoException _, ConfigException _, DriveException _, TransportException _, SocketInUseException _,
                TakeoverException _, OperatorException _, PosixException _ -> System.err.println(e.getMessage());
            case UncheckedIOException failed -> System.err.println(failed.getCause());
            case IOException failed -> System.err.println(failed);
            default -> e.printStackTrace();
        }
        return exitStatus(e);
    }

    static int exitStatus(Throwable e) {
        return switch (e) {
            case VireoException refused ->
                refused.kind() == VireoException.Kind.IMAGE_IN_USE ? ExitStatus.IN_USE : ExitStatus.USAGE;
            case ConfigException _, TransportException _ -> ExitStatus.USAGE;
            case DriveException drive -> drive.isInUse() ? ExitStatus.IN_USE : ExitStatus.USAGE;
            case SocketInUseException _ -> ExitStatus.IN_USE;
            case OperatorException wrong -> wrong.status();
            default -> ExitStatus.FAILED;
        };
    }
}
