package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.Mapping;
import io.vireo.posix.PosixException;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;

/**
 * The memory in which requests in flight are written down, mapped: a part for each of its vrings, one behind the other.
 * Its maker holds it until {@link #close}, besides the virtqueues that use it.
 */
final class InflightRegion implements AutoCloseable {
    private final SharedMapping mapping;
    private final long address;
    private final long sizeBytes;
    private final int queues;
    private final int queueSize;

    private InflightRegion(Mapping mapping, InflightDescription description) {
        this.mapping = SharedMapping.of(mapping::close);
        address = mapping.address();
        sizeBytes = mapping.sizeBytes();
        queues = description.queues();
        queueSize = description.queueSize();
    }

    /**
     * Maps it from a file, which stays the caller's.
     *
     * @throws VhostUserException it is not in the file, or not such a file
     */
    static InflightRegion map(InflightDescription description, Fd file) {
        FileStatus status = SharedFile.accept("in-flight region", file);
        long sizeBytes = description.sizeBytes();
        long offset = description.offset();
        // as both are at least 0, the difference cannot overflow
        if (sizeBytes <= 0 || offset < 0 || offset % Long.BYTES != 0 || sizeBytes > status.sizeBytes() - offset) {
            throw new VhostUserException(Fault.INFLIGHT, "in-flight region of 0x%x bytes at 0x%x in a file of 0x%x bytes"
                    .formatted(sizeBytes, offset, status.sizeBytes()));
        }
        try {
            return new InflightRegion(Mapping.shared(file, offset, sizeBytes, true), description);
        } catch (PosixException | IllegalArgumentException e) {
            throw new VhostUserException(
                    Fault.INFLIGHT, "in-flight region of 0x%x bytes: %s".formatted(sizeBytes, e.getMessage()));
        }
    }

    /**
     * The part of a vring.
     *
     * @throws VhostUserException it has none, or one that is too small
     */
    InflightArea area(int index, RingFormat format, int size) {
        long partBytes = format.inflightBytes(queueSize);
        if (index >= queues || size > queueSize || partBytes * (index + 1) > sizeBytes) {
            throw new VhostUserException(Fault.INFLIGHT,
                    "vring %d of size %d has no room in an in-flight region of 0x%x bytes for %d vrings of size %d"
                            .formatted(index, size, sizeBytes, queues, queueSize));
        }
        return new InflightArea(address + partBytes * index, queueSize, mapping);
    }

    /** The driver starts over, with nothing in flight: forgets every virtqueue. */
    void forget(RingFormat format) {
        for (int index = 0; index < queues; index++) area(index, format, queueSize).forget();
    }

    @Override
    public void close() {
        mapping.release();
    }
}
