package io.vireo.actors.takeover;

import io.vireo.actors.plane.DeviceState;
import io.vireo.actors.vhostuser.ChannelState;
import io.vireo.actors.vhostuser.ClientState;
import io.vireo.posix.Fd;
import io.vireo.posix.UnixSocket;
import io.vireo.virtio.vhostuser.BackendRequest;
import io.vireo.virtio.vhostuser.MessageType;
import io.vireo.virtio.vhostuser.Said;
import io.vireo.virtio.vhostuser.VhostUserLayout;
import io.vireo.virtio.vhostuser.VringPosition;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** What a device is in the middle of, as a parcel. */
final class StateParcels {
    private static final int MESSAGE_BYTES_MAX = VhostUserLayout.HEADER_BYTES + VhostUserLayout.PAYLOAD_BYTES_MAX;
    private static final int VRINGS_MAX = 256;
    /** 509 memory regions, five messages for each vring, and the rest. */
    private static final int SAID_MAX = 2048;

    private StateParcels() {}

    static Parcel.Writer of(DeviceState state) {
        Parcel.Writer parcel = new Parcel.Writer().words(out -> {
            out.writeUTF(state.name());
            out.writeBoolean(state.paused());
            out.writeBoolean(state.configChanged());
            out.writeBoolean(state.client().isPresent());
        }).bytes(state.blkState());
        state.client().ifPresent(client -> write(parcel, client));
        return parcel;
    }

    static DeviceState state(Parcel parcel) {
        String name = parcel.text();
        boolean paused = parcel.read(DataInputStream::readBoolean);
        boolean configChanged = parcel.read(DataInputStream::readBoolean);
        boolean connected = parcel.read(DataInputStream::readBoolean);
        byte[] blkState = parcel.bytes(Parcel.BYTES_MAX);
        return new DeviceState(
                name, paused, blkState, configChanged, connected ? Optional.of(client(parcel)) : Optional.empty());
    }

    private static void write(Parcel.Writer parcel, ClientState client) {
        parcel.fd(client.socket()).bytes(client.arriving());
        list(parcel, client.arrivingFds(), Parcel.Writer::fd);
        parcel.words(out -> {
            out.writeBoolean(client.configChanged());
            out.writeBoolean(client.channel().isPresent());
        });
        client.channel().ifPresent(channel -> parcel.fd(channel.socket())
                .words(out -> out.writeInt(channel.unanswered() == null ? 0 : channel.unanswered().id()))
                .bytes(channel.unsent()).bytes(channel.answer()));
        list(parcel, client.said(), StateParcels::write);
        list(parcel, client.kicks(), StateParcels::write);
        list(parcel, client.positions(), (to, position) -> to.words(out -> {
            out.writeInt(position.index());
            writeOptional(out, position.base());
            writeOptional(out, position.stoppedAt());
        }));
    }

    private static ClientState client(Parcel parcel) {
        Fd socket = parcel.fd();
        byte[] arriving = parcel.bytes(MESSAGE_BYTES_MAX);
        List<Fd> arrivingFds = list(parcel, UnixSocket.FDS_MAX, Parcel::fd);
        boolean configChanged = parcel.read(DataInputStream::readBoolean);
        Optional<ChannelState> channel =
                parcel.read(DataInputStream::readBoolean) ? Optional.of(channel(parcel)) : Optional.empty();
        List<Said> said = list(parcel, SAID_MAX, StateParcels::said);
        List<Said> kicks = list(parcel, VRINGS_MAX, StateParcels::said);
        List<VringPosition> positions = list(parcel, VRINGS_MAX, from -> new VringPosition(
                from.read(DataInputStream::readInt), from.read(StateParcels::readOptional), from.read(StateParcels::readOptional)));
        return new ClientState(socket, arriving, arrivingFds, channel, configChanged, said, kicks, positions);
    }

    private static ChannelState channel(Parcel parcel) {
        Fd socket = parcel.fd();
        int asked = parcel.read(DataInputStream::readInt);
        BackendRequest unanswered = BackendRequest.of(asked);
        if (asked != 0 && unanswered == null) throw new TakeoverException("a front-end was asked for " + asked);
        return new ChannelState(socket, unanswered, parcel.bytes(MESSAGE_BYTES_MAX), parcel.bytes(MESSAGE_BYTES_MAX));
    }

    private static void write(Parcel.Writer parcel, Said message) {
        parcel.words(out -> out.writeInt(message.type().id())).bytes(message.payload());
        list(parcel, message.fds(), Parcel.Writer::fd);
    }

    private static Said said(Parcel parcel) {
        int id = parcel.read(DataInputStream::readInt);
        MessageType type = MessageType.of(id);
        if (type == null) throw new TakeoverException("a front-end has said " + id);
        byte[] payload = parcel.bytes(VhostUserLayout.PAYLOAD_BYTES_MAX);
        return new Said(type, payload, list(parcel, UnixSocket.FDS_MAX, Parcel::fd));
    }

    private static <T> void list(Parcel.Writer parcel, List<T> list, BiConsumer<Parcel.Writer, T> each) {
        parcel.words(out -> out.writeInt(list.size()));
        list.forEach(item -> each.accept(parcel, item));
    }

    private static <T> List<T> list(Parcel parcel, int max, Function<Parcel, T> each) {
        int count = parcel.count(max);
        List<T> list = new ArrayList<>();
        for (int i = 0; i < count; i++) list.add(each.apply(parcel));
        return list;
    }

    private static void writeOptional(DataOutputStream out, Integer value) throws IOException {
        out.writeBoolean(value != null);
        if (value != null) out.writeInt(value);
    }

    private static Integer readOptional(DataInputStream in) throws IOException {
        return in.readBoolean() ? in.readInt() : null;
    }
}
