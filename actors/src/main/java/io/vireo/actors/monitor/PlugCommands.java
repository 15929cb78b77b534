package io.vireo.actors.monitor;

import static io.vireo.monitoring.qmp.QmpMessage.ordered;

import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.actors.plane.DriveException;
import io.vireo.actors.plane.TransportException;
import io.vireo.actors.vhostuser.SocketInUseException;
import io.vireo.config.ConfigException;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.config.Problem;
import io.vireo.config.VireoConfig;
import io.vireo.monitoring.qmp.JsonText;
import io.vireo.monitoring.qmp.QmpArguments;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.monitoring.qmp.QmpException.ErrorClass;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** device-add, device-del, iothread-add and iothread-del: what comes and goes while the rest is served. */
public final class PlugCommands {
    private final DataPlane plane;

    private PlugCommands(DataPlane plane) {
        this.plane = plane;
    }

    public static List<MonitorCommand> of(DataPlane plane) {
        PlugCommands commands = new PlugCommands(plane);
        return List.of(
                MonitorCommand.of("device-add", PlugCommands::said, commands::add),
                MonitorCommand.of("device-del", Unplug::read, commands::remove),
                MonitorCommand.of("iothread-add", PlugCommands::iothread, commands::add),
                MonitorCommand.of("iothread-del", arguments -> arguments.string("iothread"), commands::removeIoThread));
    }

    /** HOCON in a file, by its absolute path, or as an object. */
    private record Addition(Optional<String> file, Optional<Map<String, Object>> config) {}

    private record Unplug(String device, boolean force) {
        static Unplug read(QmpArguments arguments) {
            return new Unplug(arguments.string("device"), arguments.flag("force", false));
        }
    }

    private static Addition said(QmpArguments arguments) {
        Addition said = new Addition(arguments.optionalString("file"), arguments.optionalObject("config"));
        if (said.file().isPresent() != said.config().isPresent()) return said;
        throw new QmpException("Parameter 'file' or 'config' is expected, one of the two");
    }

    private static Addition iothread(QmpArguments arguments) {
        Map<String, Object> settings = arguments.optionalObject("config").orElse(Map.of());
        return new Addition(Optional.empty(),
                Optional.of(Map.of("iothreads", Map.of(arguments.string("iothread"), settings))));
    }

    private Object add(Addition said) {
        try {
            VireoConfig more = plane.add(running -> read(said, running));
            return ordered(
                    "devices", List.copyOf(more.devices().keySet()),
                    "drives", List.copyOf(more.drives().keySet()),
                    "iothreads", List.copyOf(more.iothreads().keySet()),
                    "warnings", more.warnings().stream().<Object>map(Problem::toString).toList());
        } catch (ConfigException | TransportException e) {
            throw new QmpException(ErrorClass.CONFIGURATION, e.getMessage());
        } catch (DriveException e) {
            throw new QmpException(e.isInUse() ? ErrorClass.IN_USE : ErrorClass.CONFIGURATION, e.getMessage());
        } catch (SocketInUseException e) {
            throw new QmpException(ErrorClass.IN_USE, e.getMessage());
        } catch (IllegalStateException | IllegalArgumentException e) {
            throw new QmpException(e.getMessage());
        }
    }

    private static VireoConfig read(Addition said, VireoConfig running) {
        if (said.config().isPresent()) {
            return ConfigLoader.addition(JsonText.of(said.config().get()), running, Cpus.online());
        }
        try {
            Path file = Path.of(said.file().orElseThrow());
            if (!file.isAbsolute()) throw new QmpException("Parameter 'file' expects an absolute path");
            return ConfigLoader.addition(file, running, Cpus.online());
        } catch (InvalidPathException e) {
            throw new QmpException("Parameter 'file' expects a path: " + e.getReason());
        }
    }

    private Object remove(Unplug asked) {
        DeviceHost host = DeviceCommands.find(plane, asked.device());
        try {
            plane.remove(host.name(), asked.force());
            return null;
        } catch (IllegalStateException e) {
            throw new QmpException("device " + host.name() + ": " + e.getMessage() + "; force gives up what is in flight");
        } catch (IllegalArgumentException e) {
            throw new QmpException(e.getMessage());
        }
    }

    private Object removeIoThread(String name) {
        try {
            plane.removeIoThread(name);
            return null;
        } catch (IllegalStateException e) {
            throw new QmpException("iothread " + name + ": " + e.getMessage());
        } catch (IllegalArgumentException e) {
            throw new QmpException(e.getMessage());
        }
    }
}
