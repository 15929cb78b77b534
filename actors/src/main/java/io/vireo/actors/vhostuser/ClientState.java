package io.vireo.actors.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.virtio.vhostuser.Said;
import io.vireo.virtio.vhostuser.VringPosition;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A front-end that is being served, as another process goes on with it. The descriptors belong to the connection that
 * answered it, or to the one that is made of it.
 *
 * @param arriving what has come of the next message, with its descriptors
 * @param channel empty when the front-end has given none
 * @param configChanged whether it is to be told that the configuration space has changed
 * @param said what brings a session to where this one is
 * @param kicks what lets its vrings run then
 */
public record ClientState(
        Fd socket,
        byte[] arriving,
        List<Fd> arrivingFds,
        Optional<ChannelState> channel,
        boolean configChanged,
        List<Said> said,
        List<Said> kicks,
        List<VringPosition> positions) {
    /** Closes what came with messages that no session has heard; those of the others are their session's, or closed. */
    void closeUnheard() {
        channel.ifPresent(each -> each.socket().close());
        Stream.concat(said.stream(), kicks.stream()).flatMap(message -> message.fds().stream()).forEach(Fd::close);
    }
}
