package io.vireo.virtio.blk;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.VirtqueueBroken;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A request that was taken and not answered, so that another device can take it: what {@link BlkRequestReader} would read
 * from its chain, whose descriptors may be gone from the ring.
 *
 * @param ringDescriptors as its virtqueue has them
 * @param writtenOnSuccess at most what the driver is told to be written
 * @param segments of a request with ranges, as the driver lays them out; else empty
 * @param readable data behind the header
 * @param writable data or answer before the status byte
 * @param statusGpa where the status byte goes
 */
public record KeptRequest(
        int queue,
        int chainId,
        int ringDescriptors,
        int type,
        long sector,
        int writtenOnSuccess,
        byte[] segments,
        List<Buffer> readable,
        List<Buffer> writable,
        long statusGpa) {
    /** A piece of guest memory in one region. */
    public record Buffer(long gpa, long lengthBytes) {}

    private static final int HEADER_BYTES = 48;
    private static final int BUFFER_BYTES = 16;
    private static final int BUFFERS_MAX = 2048;
    private static final int SEGMENTS_BYTES_MAX = BlkRequestReader.SEGMENTS_MAX * BlkLayout.SEGMENT_BYTES;

    /** A request that the node has failed, and that would be tried from its beginning. */
    public static KeptRequest of(int queue, int ringDescriptors, BlkRequest request, GuestMemory memory) {
        List<Buffer> readable = new ArrayList<>();
        List<Buffer> writable = new ArrayList<>();
        request.data().rewind();
        switch (request.type()) {
            case BlkLayout.T_IN, BlkLayout.T_ZONE_REPORT -> addData(request.data(), memory, writable);
            case BlkLayout.T_OUT -> addData(request.data(), memory, readable);
            case BlkLayout.T_ZONE_APPEND -> {
                addData(request.data(), memory, readable);
                addAnswer(request, memory, writable);
            }
            case BlkLayout.T_GET_LIFETIME -> addAnswer(request, memory, writable);
            default -> {}
        }
        boolean ranged = request.rangeCount() > 0;
        return new KeptRequest(queue, request.chainId(), ringDescriptors, request.type(),
                ranged ? 0 : request.offsetBytes() / BlkLayout.SECTOR_BYTES, request.bytesWrittenOnSuccess(),
                segments(request), List.copyOf(readable), List.copyOf(writable), memory.gpa(request.statusAddress()));
    }

    private static void addData(IoVec data, GuestMemory memory, List<Buffer> to) {
        for (int i = 0; i < data.count(); i++) to.add(new Buffer(memory.gpa(data.base(i)), data.lengthBytes(i)));
    }

    private static void addAnswer(BlkRequest request, GuestMemory memory, List<Buffer> to) {
        for (int i = 0; i < request.answerBytes(); i++) to.add(new Buffer(memory.gpa(request.answerAddress(i)), 1));
    }

    private static byte[] segments(BlkRequest request) {
        ByteBuffer to = little(request.rangeCount() * BlkLayout.SEGMENT_BYTES);
        for (int i = 0; i < request.rangeCount(); i++) {
            to.putLong(request.rangeOffsetBytes(i) / BlkLayout.SECTOR_BYTES)
                    .putInt((int) (request.rangeLengthBytes(i) / BlkLayout.SECTOR_BYTES))
                    .putInt(request.unmap(i) ? BlkLayout.SEGMENT_F_UNMAP : 0);
        }
        return to.array();
    }

    /**
     * Has a device's reader judge it as if it came from a ring.
     *
     * @param chain room for it
     * @throws IllegalArgumentException it is not in this memory, or none that the node would be asked to do
     */
    public void read(GuestMemory memory, BlkRequestReader reader, Chain chain, BlkRequest into) {
        try (NativeBlock header = NativeBlock.allocate(BlkLayout.REQ_HEADER_BYTES + SEGMENTS_BYTES_MAX, Long.BYTES)) {
            Memory.putLong(header.address() + BlkLayout.REQ_TYPE, Integer.toUnsignedLong(type));
            Memory.putLong(header.address() + BlkLayout.REQ_SECTOR, sector);
            Memory.copy(segments, 0, header.address() + BlkLayout.REQ_HEADER_BYTES, segments.length);
            chain.begin(chainId);
            chain.append(header.address(), BlkLayout.REQ_HEADER_BYTES + segments.length, false);
            readable.forEach(buffer -> append(memory, buffer, false, chain));
            writable.forEach(buffer -> append(memory, buffer, true, chain));
            append(memory, new Buffer(statusGpa, BlkLayout.REQ_STATUS_BYTES), true, chain);
            reader.read(chain, into);
        } catch (VirtqueueBroken e) {
            throw new IllegalArgumentException("request of type %d: %s".formatted(type, e.getMessage()));
        }
        if (into.verdict() != BlkRequest.PROCEED) {
            throw new IllegalArgumentException("request of type %d at sector %d is answered with %d"
                    .formatted(type, sector, into.verdict()));
        }
        into.reported(Math.clamp(writtenOnSuccess, 0, into.bytesWrittenOnSuccess()));
    }

    private static void append(GuestMemory memory, Buffer buffer, boolean isWritable, Chain chain) {
        long address = memory.translate(buffer.gpa, buffer.lengthBytes);
        if (address == GuestMemory.FAULT) {
            throw new IllegalArgumentException(
                    "a buffer at 0x%x+%d is outside the guest's memory".formatted(buffer.gpa, buffer.lengthBytes));
        }
        chain.append(address, buffer.lengthBytes, isWritable);
    }

    int encodedBytes() {
        return HEADER_BYTES + segments.length + (readable.size() + writable.size()) * BUFFER_BYTES;
    }

    void encode(ByteBuffer to) {
        to.putInt(queue).putInt(chainId).putInt(ringDescriptors).putInt(type).putLong(sector).putLong(statusGpa)
                .putInt(writtenOnSuccess).putInt(segments.length).putInt(readable.size()).putInt(writable.size());
        to.put(segments);
        for (Buffer buffer : readable) to.putLong(buffer.gpa).putLong(buffer.lengthBytes);
        for (Buffer buffer : writable) to.putLong(buffer.gpa).putLong(buffer.lengthBytes);
    }

    /** Null when it cannot be one. */
    static KeptRequest decode(ByteBuffer from) {
        if (from.remaining() < HEADER_BYTES) return null;
        int queue = from.getInt();
        int chainId = from.getInt();
        int ringDescriptors = from.getInt();
        int type = from.getInt();
        long sector = from.getLong();
        long statusGpa = from.getLong();
        int writtenOnSuccess = from.getInt();
        int segmentBytes = from.getInt();
        int readableCount = from.getInt();
        int writableCount = from.getInt();
        if (segmentBytes < 0 || segmentBytes > SEGMENTS_BYTES_MAX || readableCount < 0 || writableCount < 0
                || readableCount > BUFFERS_MAX || writableCount > BUFFERS_MAX
                || from.remaining() < segmentBytes + (readableCount + writableCount) * BUFFER_BYTES) return null;
        byte[] segments = new byte[segmentBytes];
        from.get(segments);
        return new KeptRequest(queue, chainId, ringDescriptors, type, sector, writtenOnSuccess, segments,
                buffers(from, readableCount), buffers(from, writableCount), statusGpa);
    }

    private static List<Buffer> buffers(ByteBuffer from, int count) {
        List<Buffer> all = new ArrayList<>();
        for (int i = 0; i < count; i++) all.add(new Buffer(from.getLong(), from.getLong()));
        return List.copyOf(all);
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
