package io.vireo.actors.takeover;

import io.vireo.actors.plane.DeviceEstate;
import io.vireo.actors.plane.DriveEstate;
import io.vireo.posix.Fd;
import io.vireo.storage.node.OpenImage;
import java.io.DataInputStream;
import java.util.Optional;

/** What is open, as parcels. */
final class EstateParcels {
    private EstateParcels() {}

    static Parcel.Writer of(DriveEstate drive) {
        Parcel.Writer parcel = new Parcel.Writer().words(out -> {
            out.writeUTF(drive.name());
            out.writeUTF(drive.driver());
            out.writeLong(drive.offsetBytes());
            out.writeBoolean(drive.image().isPresent());
        });
        drive.image().ifPresent(image -> parcel.words(out -> out.writeBoolean(image.active())).fd(image.file()));
        return parcel;
    }

    static DriveEstate drive(Parcel parcel) {
        String name = parcel.text();
        String driver = parcel.text();
        long offsetBytes = parcel.read(DataInputStream::readLong);
        if (!parcel.read(DataInputStream::readBoolean)) return new DriveEstate(name, driver, offsetBytes, Optional.empty());
        boolean active = parcel.read(DataInputStream::readBoolean);
        return new DriveEstate(name, driver, offsetBytes, Optional.of(new OpenImage(parcel.fd(), active)));
    }

    static Parcel.Writer of(DeviceEstate device) {
        Parcel.Writer parcel = new Parcel.Writer().words(out -> {
            out.writeUTF(device.name());
            out.writeUTF(device.drive());
            out.writeUTF(device.transport());
            out.writeInt(device.queues());
            out.writeLong(device.features());
            out.writeBoolean(device.socket().isPresent());
        }).bytes(device.configSpace());
        device.socket().ifPresent(parcel::fd);
        return parcel;
    }

    static DeviceEstate device(Parcel parcel) {
        String name = parcel.text();
        String drive = parcel.text();
        String transport = parcel.text();
        int queues = parcel.read(DataInputStream::readInt);
        long features = parcel.read(DataInputStream::readLong);
        boolean listens = parcel.read(DataInputStream::readBoolean);
        byte[] configSpace = parcel.bytes(DeviceEstate.CONFIG_BYTES_MAX);
        Optional<Fd> socket = listens ? Optional.of(parcel.fd()) : Optional.empty();
        return new DeviceEstate(name, drive, transport, queues, features, configSpace, socket);
    }
}
