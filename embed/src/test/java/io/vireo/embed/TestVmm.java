package io.vireo.embed;

import io.vireo.posix.EventFd;
import io.vireo.virtio.driver.DiskFacts;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverTransport;
import io.vireo.virtio.driver.DriverVirtqueue;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The rest of a VMM: guest memory, a driver's virtqueues and their eventfds, connected to a device of ours. */
final class TestVmm implements AutoCloseable {
    static final int QUEUE_SIZE = 64;
    private static final int BUFFERS_MAX = 32;

    final VirtioBlkDevice device;
    final DriverMemory memory;
    private final List<DriverQueue> queues = new ArrayList<>();
    private final long features;

    /** Sets up features and queues on memory that it owns from here; no queue is enabled yet. */
    TestVmm(VirtioBlkDevice device, DriverMemory memory) {
        this.device = device;
        this.memory = memory;
        features = device.offeredFeatures();
        for (Virtqueue _ : device.queues()) {
            queues.add(new DriverQueue(
                    DriverVirtqueue.of(memory, QUEUE_SIZE, features, BUFFERS_MAX), EventFd.create(), EventFd.create()));
        }
        device.acceptFeatures(features);
    }

    static TestVmm on(VirtioBlkDevice device) {
        TestVmm vmm = new TestVmm(device, DriverMemory.create(16 << 20));
        vmm.device.setMemory(vmm.ram());
        vmm.enableQueues();
        return vmm;
    }

    GuestRam[] ram() {
        return memory.regions().stream()
                .map(region -> GuestRam.ofFd(region.fd().number(), region.fdOffset(), region.sizeBytes(), region.gpa()))
                .toArray(GuestRam[]::new);
    }

    void enableQueues() {
        for (Virtqueue queue : device.queues()) queue.enable(setup(queue.index()));
    }

    QueueSetup setup(int index) {
        DriverQueue queue = queues.get(index);
        DriverVirtqueue ring = queue.virtqueue();
        return new QueueSetup(QUEUE_SIZE, ring.descriptorGpa(), ring.driverGpa(), ring.deviceGpa(),
                queue.kick().fd().number(), queue.call().fd().number());
    }

    /** The driver forgets a queue and begins anew. */
    void resetQueue(int index) {
        queues.get(index).virtqueue().reset(device.queue(index).disable());
    }

    void kick() {
        queues.forEach(queue -> queue.kick().signal());
    }

    VerifyingLoad load(LoadOptions options) {
        byte[] config = device.readConfig(0, 60);
        DiskFacts facts = DiskFacts.read(Arrays.copyOf(config, 60), features);
        return new VerifyingLoad(new DriverTransport(memory, queues, facts), options);
    }

    LoadResult run(long seed, long requests) {
        return load(options(seed).withRequestsMax(requests)).run();
    }

    static LoadOptions options(long seed) {
        return LoadOptions.of(seed).withDepth(16).withDataBytesMax(16 << 10);
    }

    /** Not the device, which is somebody else's. */
    @Override
    public void close() {
        queues.forEach(queue -> {
            queue.kick().close();
            queue.call().close();
        });
        memory.close();
    }
}
