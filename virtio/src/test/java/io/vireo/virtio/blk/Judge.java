package io.vireo.virtio.blk;

import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.GuestRing;
import io.vireo.virtio.queue.GuestRing.Buffer;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueLayout;

/** A driver's requests, one by one, on their way through a virtqueue to a reader. */
final class Judge implements AutoCloseable {
    static final int DATA_BYTES = 1 << 20;
    private static final int SIZE = 256;

    /** One range of a request, as a driver writes it. */
    record Segment(long sector, long sectors, int flags) {}

    final GuestRing guest = new GuestRing(SIZE, 2 << 20);
    final BlkRequest request;
    final long header = guest.allocate(16, 16);
    final long status = guest.allocate(1, 1);
    final long data = guest.allocate(DATA_BYTES, 4096);
    private final BlkRequestReader reader;
    private final Virtqueue queue = guest.virtqueue(VirtqueueLayout.RING_F_INDIRECT_DESC);
    private final Chain chain = new Chain(SIZE);
    private final NativeBlock vectors = NativeBlock.allocate(64 * IoVec.ENTRY_BYTES, 16);

    Judge(BlkProperties properties) {
        this(properties, 0);
    }

    Judge(BlkProperties properties, long features) {
        reader = new BlkRequestReader(properties, features);
        request = new BlkRequest(new IoVec(vectors.address(), 64, 64));
    }

    /** The verdict on a request whose buffers hold what they shall already, but for the header. */
    byte of(int type, long sector, Buffer... buffers) {
        Memory.putLong(guest.host(header), Integer.toUnsignedLong(type));
        Memory.putLong(guest.host(header) + 8, sector);
        Buffer[] all = new Buffer[buffers.length + 2];
        all[0] = readable(header, 16);
        System.arraycopy(buffers, 0, all, 1, buffers.length);
        all[buffers.length + 1] = writable(status, 1);
        return judge(all);
    }

    byte of(int type, Segment... segments) {
        put(segments);
        return of(type, 0, readable(data, 16L * segments.length));
    }

    /** Writes them one behind the other, where {@link #data} is. */
    void put(Segment... segments) {
        long at = guest.host(data);
        for (Segment segment : segments) {
            Memory.putLong(at, segment.sector());
            Memory.putInt(at + 8, (int) segment.sectors());
            Memory.putInt(at + 12, segment.flags());
            at += 16;
        }
    }

    private byte judge(Buffer[] buffers) {
        guest.chainIndirect(0, buffers);
        guest.publish(0);
        if (!queue.poll(guest.memory(), chain)) throw new AssertionError("the ring is empty");
        try {
            reader.read(chain, request);
        } finally {
            queue.pushUsed(0, 0);
            queue.publishUsed();
        }
        return request.verdict();
    }

    @Override
    public void close() {
        guest.close();
        vectors.close();
    }
}
