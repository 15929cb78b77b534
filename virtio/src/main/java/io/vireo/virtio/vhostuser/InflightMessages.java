package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.Memfd;
import io.vireo.virtio.queue.RingFormat;
import java.util.List;

/**
 * The messages about the memory in which requests in flight are written down, which a front-end keeps for the back-end
 * that comes after this one. Owns it. Thread: the session's.
 */
final class InflightMessages implements AutoCloseable {
    private final VringMessages vrings;
    private InflightRegion region;

    InflightMessages(VringMessages vrings) {
        this.vrings = vrings;
    }

    /** A new region, in use from now on, and the reply about it. */
    record Made(byte[] reply, Fd file) {}

    Made getInflightFd(byte[] payload) {
        RingFormat format = vrings.format();
        InflightDescription made = InflightDescription.read(payload, format, vrings.count()).wholeFile(format);
        Fd file = Memfd.create("vireo-inflight", made.sizeBytes());
        try {
            use(InflightRegion.map(made, file));
            return new Made(Payload.replyInflight(MessageType.GET_INFLIGHT_FD.id(), payload.length, made), file);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    void setInflightFd(byte[] payload, List<Fd> fds) {
        InflightDescription given = InflightDescription.read(payload, vrings.format(), vrings.count());
        InflightRegion next = InflightRegion.map(given, fds.getFirst());
        try {
            // A region that the first vring has no room in is refused now, not when a guest starts.
            next.area(given.queues() - 1, vrings.format(), given.queueSize());
            use(next);
        } catch (RuntimeException e) {
            next.close();
            throw e;
        }
    }

    private void use(InflightRegion next) {
        vrings.useInflight(next);
        close();
        region = next;
    }

    @Override
    public void close() {
        if (region != null) region.close();
        region = null;
    }
}
