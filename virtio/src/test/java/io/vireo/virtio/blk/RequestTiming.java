package io.vireo.virtio.blk;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.GuestRing;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueLayout;

/**
 * Nanoseconds for one request from avail ring to used ring, without any I/O: a number to look at, not a test.
 * {@code java -cp … io.vireo.virtio.blk.RequestTiming [rounds]}
 */
public final class RequestTiming {
    private static final int QUEUE_SIZE = 256;

    private RequestTiming() {}

    public static void main(String[] arguments) {
        int rounds = arguments.length == 0 ? 8 : Integer.parseInt(arguments[0]);
        for (int round = 0; round < rounds; round++) {
            for (boolean indirect : new boolean[] {false, true}) {
                for (int batch : new int[] {1, 8, 32, 64}) {
                    System.out.printf("%s batch %2d: %6.1f ns/request%n",
                            indirect ? "indirect" : "direct  ", batch, run(indirect, batch, 2_000_000));
                }
            }
        }
    }

    private static double run(boolean indirect, int batch, int requests) {
        try (GuestRing guest = new GuestRing(QUEUE_SIZE, 4 << 20);
                NativeBlock vectors = NativeBlock.allocate(64L * 64 * IoVec.ENTRY_BYTES, 64)) {
            BlkRequest[] pool = new BlkRequest[64];
            for (int i = 0; i < pool.length; i++) {
                pool[i] = new BlkRequest(new IoVec(vectors.address() + 64L * i * IoVec.ENTRY_BYTES, 64, 64));
            }
            int[] heads = new int[64];
            for (int i = 0; i < heads.length; i++) {
                heads[i] = indirect ? i : 4 * i;
                long header = guest.allocate(BlkLayout.REQ_HEADER_BYTES, 16);
                Memory.putInt(guest.host(header), i & 1);
                Memory.putLong(guest.host(header) + BlkLayout.REQ_SECTOR, 8L * i);
                GuestRing.Buffer data = new GuestRing.Buffer(guest.allocate(4096, 4096), 4096, (i & 1) == 0);
                GuestRing.Buffer status = GuestRing.writable(guest.allocate(1, 1), 1);
                GuestRing.Buffer[] buffers = {GuestRing.readable(header, BlkLayout.REQ_HEADER_BYTES), data, status};
                if (indirect) guest.chainIndirect(heads[i], buffers);
                else guest.chain(heads[i], buffers);
            }
            Virtqueue queue = guest.virtqueue(
                    VirtqueueLayout.RING_F_EVENT_IDX | VirtqueueLayout.RING_F_INDIRECT_DESC);
            BlkRequestReader reader = new BlkRequestReader(Devices.disk(1 << 30));
            Chain chain = new Chain(QUEUE_SIZE);
            long started = System.nanoTime();
            int avail = 0;
            for (int done = 0; done < requests; ) {
                for (int i = 0; i < batch; i++) guest.putAvail(avail++, heads[i]);
                guest.availIdx(avail);
                int count = 0;
                while (count < batch && queue.poll(guest.memory(), chain)) reader.read(chain, pool[count++]);
                for (int i = 0; i < count; i++) {
                    queue.pushUsed(pool[i].chainId(), pool[i].complete(BlkLayout.S_OK));
                }
                queue.publishUsed();
                guest.usedEvent(guest.usedIdx() - 1);
                if (!queue.needsCall()) throw new IllegalStateException("no call");
                done += count;
            }
            return (double) (System.nanoTime() - started) / requests;
        }
    }
}
