package io.vireo.jcstress;

import io.vireo.posix.Memory;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.Chain;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.Virtqueue;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A ring with both its sides, as it begins. There are so many of them that none is begun anew while it is in use. */
final class Ring {
    static final int SIZE = 4;
    private static final int RINGS = 1 << 14;
    private static final int DATA_BYTES = 64;

    final String kind;
    final DriverVirtqueue driver;
    final long data;
    private final long dataGpa;
    private final GuestMemory guest;
    private final long features;
    /** Of the last {@link #next}: made anew for each. */
    Virtqueue device;
    /** Of the chain that {@link #poll} took last: how many buffers, and where the first is. */
    int count;
    long first;
    private int id;

    /** One has room for the longest chain of any queue: too much for each of so many rings. */
    private static final ThreadLocal<Chain> CHAIN = ThreadLocal.withInitial(() -> new Chain(SIZE));

    private static final long PACKED = 1L << 34;
    private static final long EVENT_IDX = 1L << 29;
    private static final List<Ring[]> KINDS = List.of(rings("split", 0), rings("split, event index", EVENT_IDX),
            rings("packed", PACKED), rings("packed, event index", PACKED | EVENT_IDX));
    private static final AtomicInteger NEXT = new AtomicInteger();

    private Ring(String kind, DriverMemory memory, GuestMemory guest, long features) {
        this.kind = kind;
        this.guest = guest;
        this.features = features;
        driver = DriverVirtqueue.of(memory, SIZE, features, 2);
        dataGpa = memory.allocate(DATA_BYTES, 64);
        data = memory.address(dataGpa);
    }

    /** One of each kind in turns. */
    static Ring next() {
        int next = NEXT.getAndIncrement();
        Ring ring = KINDS.get(next & KINDS.size() - 1)[(next / KINDS.size()) & RINGS - 1];
        ring.begin();
        return ring;
    }

    private static Ring[] rings(String kind, long features) {
        DriverMemory memory = DriverMemory.create(16L << 20);
        GuestMemory guest = GuestMemory.of(memory.regions().stream()
                .map(region -> new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(),
                        region.userAddress(), SharedMapping.of(() -> {})))
                .toList());
        Ring[] rings = new Ring[RINGS];
        for (int i = 0; i < RINGS; i++) rings[i] = new Ring(kind, memory, guest, features);
        return rings;
    }

    private void begin() {
        int base = RingFormat.of(features).newBase();
        driver.reset(base);
        Memory.zero(data, DATA_BYTES);
        VirtqueueAreas areas =
                new VirtqueueAreas(driver.descriptorAddress(), driver.driverAddress(), driver.deviceAddress());
        device = Virtqueue.of(0, SIZE, areas, base, features | VirtqueueLayout.F_VERSION_1);
    }

    /** Offers a buffer to read and one to write. */
    void offer() {
        driver.begin();
        driver.add(dataGpa, 8, false);
        driver.add(dataGpa + 8, 8, true);
        driver.commit(0);
        driver.publish();
    }

    boolean poll() {
        Chain chain = CHAIN.get();
        if (!device.poll(guest, chain)) return false;
        id = chain.id();
        count = chain.count();
        first = chain.address(0);
        return true;
    }

    /** What {@link #poll} took is used. */
    void use() {
        device.pushUsed(id, 8);
        device.publishUsed();
    }
}
