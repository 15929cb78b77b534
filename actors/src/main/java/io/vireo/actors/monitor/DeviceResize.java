package io.vireo.actors.monitor;

import static io.vireo.monitoring.qmp.QmpMessage.ordered;

import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.storage.node.ImageException;
import java.util.List;
import java.util.OptionalLong;

/** device-resize: another size for a device and its drive, or the one that the drive was given elsewhere. */
public final class DeviceResize {
    private record Arguments(DeviceHost host, OptionalLong size, boolean force) {}

    private DeviceResize() {}

    public static MonitorCommand of(DataPlane plane) {
        return MonitorCommand.of("device-resize",
                arguments -> new Arguments(DeviceCommands.device(plane, arguments), arguments.optionalSize("size"),
                        arguments.flag("force", false)),
                asked -> resize(plane, asked));
    }

    private static Object resize(DataPlane plane, Arguments asked) {
        try {
            plane.resize(asked.host(), asked.size(), asked.force());
        } catch (ImageException e) {
            throw new QmpException(e.getMessage() + (e.kind() == ImageException.Kind.WOULD_SHRINK ? wayOut(plane, asked.host()) : ""));
        } catch (IllegalStateException e) {
            throw new QmpException("device " + asked.host().name() + ": " + e.getMessage());
        }
        return ordered("size", asked.host().properties().capacityBytes());
    }

    private static String wayOut(DataPlane plane, DeviceHost host) {
        List<DeviceHost> sharers = plane.sharers(host);
        return sharers.isEmpty() ? "; force would do it"
                : "; not even with force, as its drive has other devices: " + sharers.getFirst().name();
    }
}
