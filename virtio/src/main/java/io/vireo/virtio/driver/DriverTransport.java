package io.vireo.virtio.driver;

import java.util.List;

/** A way to a running disk, whatever carries it: the memory it sees, its queues, and what it said of itself. */
public record DriverTransport(DriverMemory memory, List<DriverQueue> queues, DiskFacts facts) {
    public DriverTransport {
        queues = List.copyOf(queues);
        if (queues.isEmpty()) throw new IllegalArgumentException("no queue");
    }
}
