package io.vireo.actors.monitor;

import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.monitoring.qmp.QmpArguments;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.monitoring.qmp.QmpException.ErrorClass;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** device-pause, device-resume and device-drain. */
public final class DeviceCommands {
    private final DataPlane plane;

    private DeviceCommands(DataPlane plane) {
        this.plane = plane;
    }

    public static List<MonitorCommand> of(DataPlane plane) {
        DeviceCommands commands = new DeviceCommands(plane);
        return List.of(
                commands.command("device-pause", host -> host.quiescence().pause()),
                commands.command("device-resume", host -> host.quiescence().resume()),
                commands.command("device-drain", host -> host.quiescence().drain()));
    }

    private MonitorCommand command(String name, Consumer<DeviceHost> action) {
        return MonitorCommand.of(name, arguments -> device(plane, arguments), host -> {
            try {
                action.accept(host);
                return null;
            } catch (IllegalStateException e) {
                throw new QmpException(ErrorClass.GENERIC_ERROR, "device " + host.name() + ": " + e.getMessage());
            }
        });
    }

    static DeviceHost device(DataPlane plane, QmpArguments arguments) {
        return find(plane, arguments.string("device"));
    }

    /** The device named, or all. */
    static List<DeviceHost> devices(DataPlane plane, QmpArguments arguments) {
        Optional<String> name = arguments.optionalString("device");
        return name.map(one -> List.of(find(plane, one))).orElseGet(plane::devices);
    }

    static DeviceHost find(DataPlane plane, String name) {
        return plane.devices().stream().filter(host -> host.name().equals(name)).findFirst()
                .orElseThrow(() -> new QmpException(ErrorClass.DEVICE_NOT_FOUND,
                        "Device '" + name + "' not found; there are " + String.join(", ", plane.devices().stream().map(DeviceHost::name).toList())));
    }
}
