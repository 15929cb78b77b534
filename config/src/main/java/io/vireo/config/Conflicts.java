package io.vireo.config;

import io.vireo.config.FileOptions.Locking;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What no single block shows: two devices that want the same thing for themselves. */
final class Conflicts {
    private record Use(DeviceConfig device, boolean readOnly) {}

    private final Map<Object, DeviceConfig> sockets = new HashMap<>();
    private final Map<Object, Use> images = new HashMap<>();
    private final List<Problem> problems;

    Conflicts(List<Problem> problems) {
        this.problems = problems;
    }

    /** Notes what the device takes, and the problem if another one has it. */
    void add(DeviceConfig device, DriveConfig drive, Origin saidDrive) {
        device.transport().ifPresent(transport -> addSocket(device, transport));
        DeviceConfig other = images(device, drive);
        if (other == null) return;
        problems.add(new Problem(
                saidDrive, "'" + drive.nodeName() + "' would be in use twice: its image is that of device "
                        + other.name() + " (" + other.origin() + ")",
                "allowed: one device, or several that are all read-only"));
    }

    private void addSocket(DeviceConfig device, TransportConfig transport) {
        Object socket = switch (transport) {
            case TransportConfig.SocketPath named -> named.path().normalize();
            case TransportConfig.SocketPeer peer -> peer.path().normalize();
            case TransportConfig.SocketFd inherited -> "descriptor " + inherited.fd();
        };
        DeviceConfig other = sockets.putIfAbsent(socket, device);
        if (other == null) return;
        problems.add(new Problem(
                transport.origin(), socket + " is already the socket of device " + other.name() + " ("
                        + other.origin() + ")",
                "allowed: a socket for each device"));
    }

    /** @return the device that this one cannot live with, or null */
    private DeviceConfig images(DeviceConfig device, DriveConfig drive) {
        var use = new Use(device, device.readOnly() || drive.readOnly());
        Use other = images.putIfAbsent(image(drive), use);
        return other == null || (use.readOnly() && other.readOnly()) ? null : other.device();
    }

    /** Two drives on one file are one image, unless the user has switched the locks off to have it so. */
    private static Object image(DriveConfig drive) {
        return switch (drive.protocol()) {
            case DriveConfig.FileDrive file -> image(drive, file.filename(), file.options());
            case DriveConfig.HostDeviceDrive disk -> image(drive, disk.filename(), disk.options());
            case DriveConfig.NullDrive _, DriveConfig.RamDrive _, DriveConfig.RawDrive _ -> drive.nodeName();
        };
    }

    private static Object image(DriveConfig drive, Path filename, FileOptions options) {
        return options.locking() == Locking.OFF ? drive.nodeName() : filename.normalize();
    }
}
