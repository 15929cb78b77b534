package io.vireo.virtio.blk;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;

/**
 * One request as the device judged it; reused for one after the other, filled by {@link BlkRequestReader}.
 *
 * <p>A request whose {@link #verdict} is {@link #PROCEED} goes to the node: IN and OUT with their data, FLUSH with
 * nothing, DISCARD and WRITE_ZEROES with their range. Any other is answered with its verdict at once. Thread: one at a
 * time; {@link #data} belongs to the kernel while the request is in flight.
 */
public final class BlkRequest {
    /** The verdict of a request that the node decides. */
    public static final byte PROCEED = -1;

    private final IoVec data;
    int head;
    int type;
    byte verdict;
    boolean unmap;
    boolean outOfRange;
    int bytesWrittenOnSuccess;
    long offsetBytes;
    long lengthBytes;
    long statusAddress;

    /** @param data this request's own, empty whenever it has no data */
    public BlkRequest(IoVec data) {
        this.data = data;
    }

    public int head() {
        return head;
    }

    /** {@code BlkLayout.T_…}, or what else the driver wrote, without the legacy barrier bit. */
    public int type() {
        return type;
    }

    /** {@link #PROCEED} or the status to answer with. */
    public byte verdict() {
        return verdict;
    }

    public long offsetBytes() {
        return offsetBytes;
    }

    /** Whether it was refused because it is not wholly on the disk. */
    public boolean outOfRange() {
        return outOfRange;
    }

    /** Of the data, or of the range; 0 for FLUSH. */
    public long lengthBytes() {
        return lengthBytes;
    }

    /** Host addresses of what IN fills and OUT writes, and of what GET_ID has filled. */
    public IoVec data() {
        return data;
    }

    /** Marks what this request has written into guest memory; {@code memory} is where it was taken from. */
    public void log(GuestMemory memory, DirtyLog log) {
        log.mark(memory.gpa(statusAddress), BlkLayout.REQ_STATUS_BYTES);
        if (type != BlkLayout.T_IN && type != BlkLayout.T_GET_ID) return;
        data.rewind();
        for (int i = 0; i < data.count(); i++) log.mark(memory.gpa(data.base(i)), data.lengthBytes(i));
    }

    /** WRITE_ZEROES only: the range may be deallocated. */
    public boolean unmap() {
        return unmap;
    }

    /** Host address of the status byte. */
    public long statusAddress() {
        return statusAddress;
    }

    /** Bytes the driver finds in its device-writable buffers after a success, the status included. */
    public int bytesWrittenOnSuccess() {
        return bytesWrittenOnSuccess;
    }

    /**
     * Writes the status into guest memory.
     *
     * @return the used length to push: of a failed request only the status counts, as nobody can say how much of its
     *     data was written
     */
    public int complete(byte status) {
        Memory.putU8(statusAddress, status);
        return status == BlkLayout.S_OK ? bytesWrittenOnSuccess : BlkLayout.REQ_STATUS_BYTES;
    }
}
