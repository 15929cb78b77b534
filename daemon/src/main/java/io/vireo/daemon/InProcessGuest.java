package io.vireo.daemon;

import io.vireo.embed.GuestRam;
import io.vireo.embed.QueueSetup;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Virtqueue;
import io.vireo.posix.EventFd;
import io.vireo.virtio.driver.DiskFacts;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverTransport;
import io.vireo.virtio.driver.DriverVirtqueue;
import java.util.ArrayList;
import java.util.List;

/** A VMM and its guest in this process: memory in a memfd, virtqueues in it, kicks and calls. */
final class InProcessGuest implements AutoCloseable {
    private static final int QUEUE_SIZE = 256;
    private static final int CONFIG_BYTES = 60;

    private final VirtioBlkDevice device;
    private final DriverMemory memory;
    private final List<DriverQueue> queues = new ArrayList<>();
    private final DriverTransport transport;

    private InProcessGuest(VirtioBlkDevice device, DriverMemory memory) {
        this.device = device;
        this.memory = memory;
        long features = device.offeredFeatures();
        device.acceptFeatures(features);
        DiskFacts facts = DiskFacts.read(device.readConfig(0, CONFIG_BYTES), features);
        DriverMemory.Region ram = memory.regions().getFirst();
        device.setMemory(GuestRam.ofFd(ram.fd().number(), ram.fdOffset(), ram.sizeBytes(), ram.gpa()));
        for (Virtqueue virtqueue : device.queues()) queues.add(enable(virtqueue, features, facts.segmentsMax() + 2));
        transport = new DriverTransport(memory, queues, facts);
    }

    private DriverQueue enable(Virtqueue virtqueue, long features, int buffersMax) {
        DriverVirtqueue ring = DriverVirtqueue.of(memory, QUEUE_SIZE, features, buffersMax);
        DriverQueue queue = new DriverQueue(ring, EventFd.create(), EventFd.create());
        virtqueue.enable(new QueueSetup(QUEUE_SIZE, ring.descriptorGpa(), ring.driverGpa(), ring.deviceGpa(),
                queue.kick().fd().number(), queue.call().fd().number()));
        return queue;
    }

    static InProcessGuest attach(VirtioBlkDevice device, long memoryBytes) {
        return new InProcessGuest(device, DriverMemory.create(memoryBytes));
    }

    DriverTransport transport() {
        return transport;
    }

    @Override
    public void close() {
        device.reset();
        for (DriverQueue queue : queues) {
            queue.kick().close();
            queue.call().close();
        }
        memory.close();
    }
}
