package io.vireo.jmh;

import io.vireo.posix.Mapping;
import io.vireo.posix.Memory;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Taking chains of header, data and status from a virtqueue and returning them, per request. The driver's part is one
 * store a batch: its chains stay what they are and are offered again and again.
 */
public class VirtqueueWalk extends Micro {
    private static final int REQUESTS = 128;
    private static final int SIZE = 512;
    private static final int BUFFERS = 3;
    private static final int TABLES = 32 << 10;
    private static final int BUFFER_SPACE = 128 << 10;
    private static final int BUFFER_BYTES = 512;
    private static final long MEMORY_BYTES = 1 << 20;
    private static final long GPA = 0x4000_0000L;

    @Param({"1", "8", "32", "128"})
    public int batch;

    @Param({"false", "true"})
    public boolean indirect;

    private Mapping mapping;
    private GuestMemory memory;
    private Virtqueue virtqueue;
    private Chain chain;
    private long availIdxAddress;
    private int availIdx;

    @Setup
    public void layOut() {
        mapping = Mapping.anonymous(MEMORY_BYTES);
        memory = GuestMemory.of(List.of(
                new MemoryRegion(GPA, GPA, MEMORY_BYTES, mapping.address(), SharedMapping.of(() -> {}))));
        long descriptors = mapping.address();
        long avail = descriptors + (long) SIZE * VirtqueueLayout.DESC_BYTES;
        long used = avail + 4096;
        for (int request = 0; request < REQUESTS; request++) {
            int head = indirect ? request : request * BUFFERS;
            long table = descriptors + (indirect ? TABLES + (long) request * BUFFERS * VirtqueueLayout.DESC_BYTES
                    : (long) head * VirtqueueLayout.DESC_BYTES);
            if (indirect) {
                descriptor(descriptors, head, GPA + (table - descriptors), BUFFERS * VirtqueueLayout.DESC_BYTES,
                        VirtqueueLayout.DESC_F_INDIRECT, 0);
            }
            int first = indirect ? 0 : head;
            long data = GPA + BUFFER_SPACE + (long) request * 2 * BUFFER_BYTES;
            descriptor(table, 0, data, 16, VirtqueueLayout.DESC_F_NEXT, first + 1);
            descriptor(table, 1, data + BUFFER_BYTES, BUFFER_BYTES - 1,
                    VirtqueueLayout.DESC_F_NEXT | VirtqueueLayout.DESC_F_WRITE, first + 2);
            descriptor(table, 2, data + 16, 1, VirtqueueLayout.DESC_F_WRITE, 0);
        }
        for (int i = 0; i < SIZE; i++)
            Memory.putU16(avail + VirtqueueLayout.AVAIL_RING + (long) i * VirtqueueLayout.AVAIL_ELEMENT_BYTES,
                    indirect ? i % REQUESTS : i % REQUESTS * BUFFERS);
        availIdxAddress = avail + VirtqueueLayout.AVAIL_IDX;
        virtqueue = Virtqueue.of(0, SIZE, new VirtqueueAreas(descriptors, avail, used), 0,
                VirtqueueLayout.RING_F_INDIRECT_DESC | VirtqueueLayout.RING_F_EVENT_IDX);
        chain = new Chain(SIZE);
    }

    private static void descriptor(long table, int index, long gpa, int lengthBytes, int flags, int next) {
        long at = table + (long) index * VirtqueueLayout.DESC_BYTES;
        Memory.putLong(at + VirtqueueLayout.DESC_ADDR, gpa);
        Memory.putInt(at + VirtqueueLayout.DESC_LEN, lengthBytes);
        Memory.putU16(at + VirtqueueLayout.DESC_FLAGS, flags);
        Memory.putU16(at + VirtqueueLayout.DESC_NEXT, next);
    }

    @TearDown
    public void unmap() {
        mapping.close();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public int takeAndReturn() {
        int calls = 0;
        for (int done = 0; done < REQUESTS; done += batch) {
            availIdx = availIdx + batch & 0xFFFF;
            Memory.putU16Release(availIdxAddress, availIdx);
            while (virtqueue.poll(memory, chain)) virtqueue.pushUsed(chain.id(), BUFFER_BYTES);
            virtqueue.publishUsed();
            if (virtqueue.needsCall()) calls++;
        }
        return calls;
    }
}
