package io.vireo.actors.device;

import io.vireo.actors.iothread.IoThread;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.posix.Epoll;
import io.vireo.posix.EventFd;
import io.vireo.posix.NativeBlock;
import io.vireo.storage.node.BlockNode;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A device of one virtqueue with its driver, who has some requests in flight at a time. Thread: the test's. */
final class DrivenDevice implements AutoCloseable, DeviceListener {
    static final int BLOCK_BYTES = 4096;
    static final String SERIAL = "driven";
    static final long FEATURES = VirtqueueLayout.F_VERSION_1 | VirtqueueLayout.RING_F_EVENT_IDX
            | VirtqueueLayout.RING_F_INDIRECT_DESC | BlkLayout.F_FLUSH;
    static final int QUEUE_SIZE = 256;

    final Device device;
    final Intake intake = new Intake();
    final Queue<IoError> ioErrors = new ConcurrentLinkedQueue<>();
    final IoThread ioThread;
    final BlkQueue queue;
    final DriverMemory memory = DriverMemory.create(8L << 20);
    final DeviceCounters counters = new DeviceCounters(1);
    final CompletableFuture<Throwable> failed = new CompletableFuture<>();
    final CompletableFuture<VirtqueueBroken> broken = new CompletableFuture<>();
    final AtomicInteger memoryReleases = new AtomicInteger();
    /** Where the pipeline's end reported a failed request. */
    volatile Thread completedOn;
    final EventFd call = EventFd.create();
    private final EventFd kick = EventFd.create();
    private final EventFd err = EventFd.create();
    private final Epoll calls = Epoll.create(4);
    private final NativeBlock count = NativeBlock.allocate(8, 8);
    private boolean closed;

    DrivenDevice(Plane plane, IoThread ioThread, BlockNode node, int depth) {
        this(plane, ioThread, node, depth, ErrorPolicy.DEFAULT);
    }

    DrivenDevice(Plane plane, IoThread ioThread, BlockNode node, int depth, ErrorPolicy errors) {
        this(plane, ioThread, node, depth, properties(node), errors, FEATURES);
    }

    DrivenDevice(Plane plane, IoThread ioThread, BlockNode node, int depth, BlkProperties properties) {
        this(plane, ioThread, node, depth, properties, ErrorPolicy.DEFAULT, FEATURES);
    }

    DrivenDevice(
            Plane plane, IoThread ioThread, BlockNode node, int depth, BlkProperties properties, ErrorPolicy errors,
            long features) {
        this(plane, ioThread, node, depth, properties, errors, features, QUEUE_SIZE);
    }

    DrivenDevice(Plane plane, IoThread ioThread, BlockNode node, int depth, int inFlightMax) {
        this(plane, ioThread, node, depth, properties(node), ErrorPolicy.DEFAULT, FEATURES, inFlightMax);
    }

    private DrivenDevice(
            Plane plane, IoThread ioThread, BlockNode node, int depth, BlkProperties properties, ErrorPolicy errors,
            long features, int inFlightMax) {
        this.ioThread = ioThread;
        DriverVirtqueue virtqueue = DriverVirtqueue.of(memory, QUEUE_SIZE, features, 8);
        queue = new BlkQueue(memory, new DriverQueue(virtqueue, kick, call), depth, BLOCK_BYTES);
        calls.add(call.fd(), Epoll.EPOLLIN, 0);
        device = Device.open(
                plane.system, "disk", node, properties, List.of(ioThread), _ -> counters, plane.blocking,
                new Conduct(intake, errors, inFlightMax), this);
        device.accept(features, true);
        device.useMemory(guestMemory(), new VirtqueueAreas[1]);
        start(0);
    }

    static BlkProperties properties(BlockNode node) {
        return new BlkProperties(
                node.sizeBytes(), 512, 512, 0, 0, 126, 0, 1, false, true, BlkProperties.Discard.NONE,
                BlkProperties.WriteZeroes.NONE, SERIAL);
    }

    void start(int nextAvail) {
        start(nextAvail, null);
    }

    /** Answers how many requests are taken once more. */
    int start(int nextAvail, InflightArea inflight) {
        DriverVirtqueue ring = queue.queue().virtqueue();
        VirtqueueAreas addresses = new VirtqueueAreas(ring.descriptorAddress(), ring.driverAddress(), ring.deviceAddress());
        return device.startQueue(0, QUEUE_SIZE, addresses, nextAvail, kick, call, err, null, inflight);
    }

    GuestMemory guestMemory() {
        return GuestMemory.of(memory.regions().stream()
                .map(region -> new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(),
                        region.userAddress(), SharedMapping.of(memoryReleases::incrementAndGet)))
                .toList());
    }

    Passage passage() {
        return device.passage(ioThread);
    }

    void read(int slot) {
        queue.start(slot, BlkLayout.T_IN, slot, 512, true);
    }

    /** Waits in the kernel for a call, as a guest does, until something was used; false when none came. */
    boolean awaitCall() {
        boolean used = queue.queue().virtqueue().armCall();
        for (long until = System.nanoTime() + Plane.PATIENCE_NANOS; !used && System.nanoTime() - until < 0; ) {
            if (calls.await(TimeUnit.SECONDS.toNanos(1)) > 0) call.clear(count.address());
            else continue;
            used = queue.pendingUsed() > 0;
        }
        queue.queue().virtqueue().suppressCalls();
        return used;
    }

    /** Whether a call comes within the time. */
    boolean isCalled(long nanos) {
        return calls.await(nanos) > 0 && call.clear(count.address());
    }

    /** Takes the next completed request, waiting for it; answers its slot. */
    int reap() {
        Plane.await("a used element", () -> queue.pendingUsed() > 0);
        return queue.reap();
    }

    /** One request, start to end; its status. */
    int request(int type, long sector, int dataBytes, boolean deviceWrites) {
        queue.start(0, type, sector, dataBytes, deviceWrites);
        queue.submit();
        reap();
        return queue.status(0);
    }

    @Override
    public void virtqueueBroken(int index, VirtqueueBroken reason) {
        broken.complete(reason);
    }

    @Override
    public void requestFailed(int index, int type, long offsetBytes, int reason, int errno) {
        completedOn = Thread.currentThread();
    }

    @Override
    public void ioError(IoError error) {
        ioErrors.add(error);
    }

    @Override
    public void failed(Throwable reason) {
        failed.complete(reason);
    }

    @Override
    public void close() {
        if (closed) return;
        closed = true;
        device.close().orTimeout(Plane.PATIENCE_NANOS, TimeUnit.NANOSECONDS).join();
        Plane.await("the guest's memory back", () -> memoryReleases.get() > 0);
        calls.close();
        count.close();
        kick.close();
        call.close();
        err.close();
        memory.close();
    }
}
