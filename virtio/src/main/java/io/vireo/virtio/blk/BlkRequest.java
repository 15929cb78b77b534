package io.vireo.virtio.blk;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;

/**
 * One request as the device judged it; reused for one after the other, filled by {@link BlkRequestReader}.
 *
 * <p>A request whose {@link #verdict} is {@link #PROCEED} goes to the node: IN, OUT and ZONE_APPEND with their data,
 * ZONE_REPORT with room for its answer, DISCARD, WRITE_ZEROES and SECURE_ERASE with their ranges. Any other is answered
 * with its verdict at once. Thread: one at a time; {@link #data} belongs to the kernel while the request is in flight.
 */
public final class BlkRequest {
    /** The verdict of a request that the node decides. */
    public static final byte PROCEED = -1;

    private final IoVec data;
    int chainId;
    int type;
    byte verdict;
    boolean outOfRange;
    int bytesWrittenOnSuccess;
    long offsetBytes;
    long lengthBytes;
    long statusAddress;
    /** Offset and length of each range; made for the first request that has some, as most requests never do. */
    private long[] ranges;
    private int rangeCount;
    /** Bit i: range i may be deallocated. */
    private int unmapRanges;
    /** Where each byte of the node's answer goes; made for the first request that has one. */
    private long[] answerAddresses;
    private int answerBytes;

    /** @param data this request's own, empty whenever it has no data */
    public BlkRequest(IoVec data) {
        this.data = data;
    }

    public int chainId() {
        return chainId;
    }

    /** {@code BlkLayout.T_…}, or what else the driver wrote, without the legacy barrier bit. */
    public int type() {
        return type;
    }

    /** {@link #PROCEED} or the status to answer with. */
    public byte verdict() {
        return verdict;
    }

    /** Where the data is; of ranges, where the first one that is not empty is, or the one that is refused. */
    public long offsetBytes() {
        return offsetBytes;
    }

    /** Whether it was refused because it is not wholly on the disk. */
    public boolean outOfRange() {
        return outOfRange;
    }

    /** Of the data, or of all ranges together; 0 for FLUSH. */
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
        switch (type) {
            case BlkLayout.T_IN, BlkLayout.T_GET_ID, BlkLayout.T_ZONE_REPORT -> {
                data.rewind();
                for (int i = 0; i < data.count(); i++) log.mark(memory.gpa(data.base(i)), data.lengthBytes(i));
            }
            case BlkLayout.T_GET_LIFETIME, BlkLayout.T_ZONE_APPEND -> {
                if (verdict != PROCEED) return; // its answer's addresses are those of an earlier request
                for (int i = 0; i < answerBytes; i++) log.mark(memory.gpa(answerAddresses[i]), 1);
            }
            default -> {}
        }
    }

    /** Ranges to discard or to zero, one after the other; none of them is empty. */
    public int rangeCount() {
        return rangeCount;
    }

    public long rangeOffsetBytes(int index) {
        return ranges[2 * index];
    }

    public long rangeLengthBytes(int index) {
        return ranges[2 * index + 1];
    }

    /** WRITE_ZEROES only: the range may be deallocated. */
    public boolean unmap(int index) {
        return (unmapRanges >>> index & 1) != 0;
    }

    void clearRanges() {
        rangeCount = 0;
        lengthBytes = 0;
    }

    void addRange(long rangeOffsetBytes, long rangeLengthBytes, boolean unmap) {
        if (ranges == null) ranges = new long[2 * BlkRequestReader.SEGMENTS_MAX];
        if (rangeCount == 0) {
            offsetBytes = rangeOffsetBytes;
            unmapRanges = 0;
        }
        ranges[2 * rangeCount] = rangeOffsetBytes;
        ranges[2 * rangeCount + 1] = rangeLengthBytes;
        if (unmap) unmapRanges |= 1 << rangeCount;
        lengthBytes += rangeLengthBytes; // at most so many times what 32 bits of sectors are: no overflow
        rangeCount++;
    }

    void beginAnswer() {
        if (answerAddresses == null) answerAddresses = new long[BlkLayout.APPEND_SECTOR_BYTES];
        answerBytes = 0;
    }

    void addAnswerByte(long address) {
        answerAddresses[answerBytes++] = address;
    }

    int answerBytes() {
        return answerBytes;
    }

    long answerAddress(int index) {
        return answerAddresses[index];
    }

    /**
     * Writes what the node answered into guest memory, little-endian: of ZONE_APPEND the sector, of GET_LIFETIME its
     * three numbers. May raise InternalError, like every access to guest memory.
     */
    public void putAnswer(long answer) {
        for (int i = 0; i < answerBytes; i++) Memory.putU8(answerAddresses[i], (int) (answer >>> 8 * i));
    }

    /** Host address of the status byte. */
    public long statusAddress() {
        return statusAddress;
    }

    /** A report has been written that is so long. */
    public void reported(int reportBytes) {
        bytesWrittenOnSuccess = reportBytes;
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
