package io.vireo.daemon;

import io.vireo.embed.GuestRam;
import io.vireo.embed.QueueSetup;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.posix.EventFd;
import io.vireo.virtio.driver.DiskFacts;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverTransport;
import io.vireo.virtio.driver.DriverVirtqueue;
import java.util.List;

/** The VMM and the guest of the demo: memory in a memfd, one virtqueue in it, kick and call. */
final class DemoGuest implements AutoCloseable {
    private static final long MEMORY_BYTES = 64L << 20;
    private static final int QUEUE_SIZE = 256;
    private static final int CONFIG_BYTES = 60;

    private final VirtioBlkDevice device;
    private final DriverMemory memory;
    private final EventFd kick = EventFd.create();
    private final EventFd call = EventFd.create();
    private final DriverTransport transport;

    private DemoGuest(VirtioBlkDevice device, DriverMemory memory) {
        this.device = device;
        this.memory = memory;
        long features = device.offeredFeatures();
        device.acceptFeatures(features);
        DiskFacts facts = DiskFacts.read(device.readConfig(0, CONFIG_BYTES), features);
        DriverVirtqueue virtqueue = new DriverVirtqueue(memory, QUEUE_SIZE, features, facts.segmentsMax() + 2);
        DriverMemory.Region ram = memory.regions().getFirst();
        device.setMemory(GuestRam.ofFd(ram.fd().number(), ram.fdOffset(), ram.sizeBytes(), ram.gpa()));
        device.queue(0).enable(new QueueSetup(
                QUEUE_SIZE, virtqueue.descGpa(), virtqueue.availGpa(), virtqueue.usedGpa(),
                kick.fd().number(), call.fd().number()));
        transport = new DriverTransport(memory, List.of(new DriverQueue(virtqueue, kick, call)), facts);
    }

    static DemoGuest attach(VirtioBlkDevice device) {
        return new DemoGuest(device, DriverMemory.create(MEMORY_BYTES));
    }

    DriverTransport transport() {
        return transport;
    }

    @Override
    public void close() {
        device.reset();
        kick.close();
        call.close();
        memory.close();
    }
}
