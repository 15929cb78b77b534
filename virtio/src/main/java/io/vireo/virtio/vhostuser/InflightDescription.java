package io.vireo.virtio.vhostuser;

import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;

/** What GET_INFLIGHT_FD asks for and SET_INFLIGHT_FD announces; of it only the two numbers of vrings are checked. */
record InflightDescription(long sizeBytes, long offset, int queues, int queueSize) {
    static InflightDescription read(byte[] payload, RingFormat format, int queuesMax) {
        // Compilers pad the structure; that is how front-ends in C send it.
        if (payload.length != VhostUserLayout.INFLIGHT_BYTES && payload.length != VhostUserLayout.INFLIGHT_PADDED_BYTES)
            throw new VhostUserException(Fault.PAYLOAD_SIZE, "in-flight description of " + payload.length + " bytes");
        InflightDescription read = new InflightDescription(
                Payload.i64(payload, VhostUserLayout.INFLIGHT_SIZE),
                Payload.i64(payload, VhostUserLayout.INFLIGHT_OFFSET),
                Payload.i32(payload, VhostUserLayout.INFLIGHT_QUEUES) & 0xFFFF,
                Payload.i32(payload, VhostUserLayout.INFLIGHT_QUEUES) >>> 16);
        if (read.queues < 1 || read.queues > queuesMax || !format.isValidSize(read.queueSize)) {
            throw new VhostUserException(Fault.INFLIGHT, "in-flight region for %d %s vrings of size %d, of which there are %d"
                    .formatted(read.queues, format, read.queueSize, queuesMax));
        }
        return read;
    }

    /** All of it; at most 256 vrings of a MiB each. */
    InflightDescription wholeFile(RingFormat format) {
        return new InflightDescription(format.inflightBytes(queueSize) * queues, 0, queues, queueSize);
    }
}
