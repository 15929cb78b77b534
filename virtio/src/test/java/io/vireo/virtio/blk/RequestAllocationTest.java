package io.vireo.virtio.blk;

import static io.vireo.virtio.queue.GuestRing.readable;
import static io.vireo.virtio.queue.GuestRing.writable;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.GuestRing;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class RequestAllocationTest {
    private static final int REQUESTS = 1_000_000;
    /** What the compiler's own hand-overs cost; less than a thousandth of a byte for each request. */
    private static final long SLACK_BYTES = 16 << 10;

    private final GuestRing guest = new GuestRing(64, 1 << 20);
    private final Virtqueue queue =
            guest.virtqueue(VirtqueueLayout.RING_F_INDIRECT_DESC | VirtqueueLayout.RING_F_EVENT_IDX);
    private final Chain chain = new Chain(64);
    private final BlkRequestReader reader = new BlkRequestReader(Devices.disk(1 << 30));
    private int kind;

    @Test
    void allocatesNothingForARequestWhateverItsLayout() {
        prepare();
        try (NativeBlock vectors = NativeBlock.allocate(64 * IoVec.ENTRY_BYTES, 16)) {
            BlkRequest request = new BlkRequest(new IoVec(vectors.address(), 64, 64));
            serve(request, 200_000);
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long before = threads.getCurrentThreadAllocatedBytes();
            serve(request, REQUESTS);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(allocated <= SLACK_BYTES, allocated + " bytes for " + REQUESTS + " requests");
            assertEquals((200_000 + REQUESTS) & 0xFFFF, guest.usedIdx());
        } finally {
            guest.close();
        }
    }

    /** Heads 0 to 7: a read, a write cut oddly, both of them indirect, an identity, a discard, an error, a flush. */
    private void prepare() {
        long data = guest.allocate(8192, 4096);
        long status = guest.allocate(1, 1);
        guest.chain(0, readable(header(BlkLayout.T_IN), 16), writable(data, 4096), writable(status, 1));
        long write = header(BlkLayout.T_OUT);
        guest.chain(8, readable(write, 5), readable(write + 5, 11), readable(data, 512), writable(status, 1));
        guest.chainIndirect(16, readable(header(BlkLayout.T_IN), 16), writable(data, 4096), writable(status, 1));
        guest.chainIndirect(24, readable(write, 5), readable(write + 5, 11), readable(data, 512), writable(status, 1));
        guest.chain(32, readable(header(BlkLayout.T_GET_ID), 16), writable(data, 20), writable(status, 1));
        long range = guest.allocate(16, 16);
        Memory.putLong(guest.host(range) + 8, 8);
        guest.chain(40, readable(header(BlkLayout.T_DISCARD), 16), readable(range, 16), writable(status, 1));
        guest.chain(48, readable(header(99), 16), writable(status, 1));
        guest.chain(56, readable(header(BlkLayout.T_FLUSH), 16), writable(status, 1));
    }

    private long header(int type) {
        long gpa = guest.allocate(16, 16);
        Memory.putInt(guest.host(gpa), type);
        return gpa;
    }

    private void serve(BlkRequest request, int count) {
        for (int i = 0; i < count; i++) {
            guest.publishOne(8 * kind);
            kind = (kind + 1) & 7;
            queue.poll(guest.memory(), chain);
            reader.read(chain, request);
            queue.pushUsed(request.chainId(), request.complete(BlkLayout.S_OK));
            queue.publishUsed();
            queue.needsCall();
            queue.enableKicks();
        }
    }
}
