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
    private InflightDescription description;
    /** What the region is mapped from, for a process that goes on with the session. */
    private Fd file;

    InflightMessages(VringMessages vrings) {
        this.vrings = vrings;
    }

    /** A new region, in use from now on, and the reply about it. */
    record Made(byte[] reply, Fd file) {}

    Made getInflightFd(byte[] payload) {
        RingFormat format = vrings.format();
        InflightDescription made = InflightDescription.read(payload, format, vrings.count()).wholeFile(format);
        Fd memory = Memfd.create("vireo-inflight", made.sizeBytes());
        Fd ours = null;
        try {
            ours = memory.duplicate();
            use(made, ours);
            return new Made(Payload.replyInflight(MessageType.GET_INFLIGHT_FD.id(), payload.length, made), memory);
        } catch (RuntimeException e) {
            if (ours != null) ours.close();
            memory.close();
            throw e;
        }
    }

    void setInflightFd(byte[] payload, List<Fd> fds) {
        use(InflightDescription.read(payload, vrings.format(), vrings.count()), fds.getFirst());
        fds.removeFirst();
    }

    /** @param from the caller's still when this throws */
    private void use(InflightDescription given, Fd from) {
        InflightRegion next = InflightRegion.map(given, from);
        try {
            // A region that the first vring has no room in is refused now, not when a guest starts.
            next.area(given.queues() - 1, vrings.format(), given.queueSize());
            vrings.useInflight(next);
        } catch (RuntimeException e) {
            next.close();
            throw e;
        }
        close();
        region = next;
        description = given;
        file = from;
    }

    /** As {@link Session#said}. */
    void said(List<Said> said) {
        if (region == null) return;
        byte[] payload = Said.payload(VhostUserLayout.INFLIGHT_BYTES)
                .putLong(description.sizeBytes()).putLong(description.offset())
                .putShort((short) description.queues()).putShort((short) description.queueSize()).array();
        said.add(new Said(MessageType.SET_INFLIGHT_FD, payload, List.of(file)));
    }

    @Override
    public void close() {
        if (region == null) return;
        region.close();
        file.close();
        region = null;
    }
}
