package io.vireo.virtio.blk;

import io.vireo.posix.IoVec;
import io.vireo.posix.Memory;
import io.vireo.posix.NativeBlock;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.GuestRing;
import io.vireo.virtio.queue.PackedGuestRing;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.queue.VirtqueueLayout;

/**
 * A fuzzer's input as a guest's memory: what the device takes out of it lies in the guest's memory, or the ring is
 * broken.
 *
 * <p>Shape: a byte of {@link #PACKED} and such, a byte that says how many chains are held back, then the memory from the
 * table, or the descriptor ring, on.
 */
public final class RingFuzz {
    private static final int SIZE = 8;
    private static final int MEMORY_BYTES = 8 << 10;
    private static final int PACKED = 1;
    private static final int INDIRECT = 2;
    private static final int EVENT_IDX = 4;
    private static final int IN_ORDER = 8;
    private static final GuestRing SPLIT_GUEST = new GuestRing(SIZE, MEMORY_BYTES);
    private static final PackedGuestRing PACKED_GUEST = new PackedGuestRing(SIZE, MEMORY_BYTES);
    private static final NativeBlock VECTORS = NativeBlock.allocate(16 * IoVec.ENTRY_BYTES, 16);
    private static final BlkRequest REQUEST = new BlkRequest(new IoVec(VECTORS.address(), 16, 1024));
    private static final Chain CHAIN = new Chain(SIZE);
    private static final BlkRequestReader READER = new BlkRequestReader(Devices.disk(1 << 20));

    private RingFuzz() {}

    /** As Jazzer calls it. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length < 2) return;
        boolean packed = (input[0] & PACKED) != 0;
        GuestRing guest = packed ? PACKED_GUEST.guest() : SPLIT_GUEST;
        long ring = packed ? PACKED_GUEST.areas().descriptor() : SPLIT_GUEST.areas().descriptor();
        Memory.zero(guest.host(GuestRing.GPA), MEMORY_BYTES);
        long room = guest.host(GuestRing.GPA) + MEMORY_BYTES - ring;
        Memory.copy(input, 2, ring, (int) Math.min(room, input.length - 2));
        long features = ((input[0] & INDIRECT) != 0 ? VirtqueueLayout.RING_F_INDIRECT_DESC : 0)
                | ((input[0] & EVENT_IDX) != 0 ? VirtqueueLayout.RING_F_EVENT_IDX : 0)
                | ((input[0] & IN_ORDER) != 0 ? VirtqueueLayout.F_IN_ORDER : 0);
        Virtqueue queue = packed ? PACKED_GUEST.virtqueue(features) : SPLIT_GUEST.virtqueue(features);
        try {
            serve(guest, queue, input[1] & 7);
        } catch (VirtqueueBroken _) {
            // As it may be.
        }
    }

    /** No more chains than a guest could offer without the device's answers. */
    private static void serve(GuestRing guest, Virtqueue queue, int heldBack) {
        int[] held = new int[SIZE + 1];
        int count = 0;
        for (int chains = 0; chains < 4 * SIZE && queue.poll(guest.memory(), CHAIN); chains++) {
            for (int i = 0; i < CHAIN.count(); i++) checkInside(guest, CHAIN.address(i), CHAIN.lengthBytes(i));
            READER.read(CHAIN, REQUEST);
            checkInside(guest, REQUEST.statusAddress(), 1);
            IoVec data = REQUEST.data();
            for (int i = 0; REQUEST.verdict() == BlkRequest.PROCEED && i < data.count(); i++) {
                checkInside(guest, data.base(i), data.lengthBytes(i));
            }
            held[count++] = CHAIN.id();
            while (count > heldBack) queue.pushUsed(held[--count], 1);
            queue.publishUsed();
            queue.needsCall();
            queue.enableKicks();
        }
        while (count > 0) queue.pushUsed(held[--count], 1);
        queue.publishUsed();
        if (queue.inFlight() != 0) throw new AssertionError("in flight " + queue.inFlight());
    }

    private static void checkInside(GuestRing guest, long address, long lengthBytes) {
        long start = guest.host(GuestRing.GPA);
        if (lengthBytes < 1 || address < start || lengthBytes > MEMORY_BYTES || address + lengthBytes > start + MEMORY_BYTES) {
            throw new AssertionError("outside: 0x%x of %d bytes".formatted(address - start, lengthBytes));
        }
    }
}
