package io.vireo.actors.plane;

import io.vireo.actors.vhostuser.ListeningSocket;
import io.vireo.config.ConfigException;
import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.Origin;
import io.vireo.config.Problem;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import io.vireo.posix.Fd;
import io.vireo.storage.node.BlockNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a data plane begins with: nothing, or what another process has opened and serves still. Whoever takes a descriptor
 * owns it; {@link #close} closes the others. Thread: one.
 */
public final class Estate implements AutoCloseable {
    private final Map<String, DriveEstate> drives = new LinkedHashMap<>();
    private final Map<String, DeviceEstate> devices = new LinkedHashMap<>();
    /** By device; not taken yet. */
    private final Map<String, Fd> sockets = new LinkedHashMap<>();
    private final boolean nothing;

    private Estate(boolean nothing) {
        this.nothing = nothing;
    }

    /** What a data plane has that starts from nothing. */
    public static Estate nothing() {
        return new Estate(true);
    }

    public static Estate of(List<DriveEstate> drives, List<DeviceEstate> devices) {
        Estate estate = new Estate(false);
        drives.forEach(drive -> estate.drives.put(drive.name(), drive));
        devices.forEach(device -> {
            estate.devices.put(device.name(), device);
            device.socket().ifPresent(socket -> estate.sockets.put(device.name(), socket));
        });
        return estate;
    }

    boolean isNothing() {
        return nothing;
    }

    /**
     * Whether a configuration is about this; what only open images and devices can tell is not looked at.
     *
     * @throws ConfigException all that is different
     */
    public void check(VireoConfig config) {
        if (nothing) return;
        List<Problem> problems = new ArrayList<>();
        Origin root = new Origin(config.control().map(control -> control.origin().file()).orElse(""), 0, "vireo.devices");
        for (DeviceEstate device : devices.values()) {
            DeviceConfig named = config.devices().get(device.name());
            if (named != null) device.problem(named).ifPresent(problems::add);
            else problems.add(new Problem(root, "device " + device.name() + " runs and is not here",
                    "say it, or take it away first: ./vireo device-del"));
        }
        for (DeviceConfig device : config.devices().values()) {
            if (!devices.containsKey(device.name()))
                problems.add(new Problem(device.origin(), "does not run", "add it afterwards: ./vireo device-add"));
        }
        for (DriveConfig drive : config.drives().values()) {
            DriveEstate served = drives.get(drive.nodeName());
            if (served != null) served.problem(drive).ifPresent(problems::add);
        }
        if (!problems.isEmpty()) throw new ConfigException(problems);
    }

    /** @throws ConfigException the device is not what the driver knows that it had */
    void check(DeviceHost host) {
        Optional.ofNullable(devices.get(host.name())).flatMap(device -> device.problem(host)).ifPresent(problem -> {
            throw new ConfigException(List.of(problem));
        });
    }

    /**
     * A drive's node: with the image that is open already where there is one.
     *
     * @throws DriveException it cannot be opened, or is not what was opened
     */
    BlockNode open(DriveConfig drive, boolean active) {
        DriveEstate served = drives.remove(drive.nodeName());
        if (served == null || served.image().isEmpty()) return Nodes.open(drive, active);
        return Nodes.goOn(drive, served.image().get());
    }

    /** A device's listening socket: the one that is open already where there is one. */
    ListeningSocket listen(DeviceConfig device, TransportConfig.Listening transport) {
        Fd socket = sockets.remove(device.name());
        return socket == null ? DataPlane.listen(transport) : ListeningSocket.inherited(transport, socket);
    }

    @Override
    public void close() {
        Stream.concat(
                drives.values().stream().flatMap(drive -> drive.image().stream()).map(image -> image.file()),
                sockets.values().stream()).forEach(Fd::close);
        drives.clear();
        sockets.clear();
    }
}
