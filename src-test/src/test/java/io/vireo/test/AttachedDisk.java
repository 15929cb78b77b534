package io.vireo.test;

import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import io.vireo.virtio.driver.VhostUserDisk;
import java.nio.file.Path;

/** A daemon's disk in the hands of a driver of this process. Closing hangs up, as a VMM that dies does. */
final class AttachedDisk implements AutoCloseable {
    private static final long MEMORY_BYTES = 32L << 20;
    private static final int DATA_BYTES_MAX = 4096;

    private final DriverMemory memory;
    private final VhostUserDisk disk;

    private AttachedDisk(DriverMemory memory, VhostUserDisk.Options options, Path socket) {
        this.memory = memory;
        try {
            disk = VhostUserDisk.attach(socket, memory, options);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /** With one queue. */
    static AttachedDisk at(Path socket) {
        return at(socket, VhostUserDisk.Options.defaults());
    }

    static AttachedDisk at(Path socket, VhostUserDisk.Options options) {
        return at(socket, DriverMemory.create(MEMORY_BYTES), options);
    }

    /** @param memory becomes the disk's */
    static AttachedDisk at(Path socket, DriverMemory memory, VhostUserDisk.Options options) {
        return new AttachedDisk(memory, options, socket);
    }

    /** Runs a load; what it knew of the disk is forgotten. */
    LoadResult run(LoadOptions options) {
        return new VerifyingLoad(disk.transport(), options).run();
    }

    /** For requests one by one, of up to 4096 bytes. */
    BlkQueue requests(int depth) {
        return requests(0, depth);
    }

    BlkQueue requests(int queue, int depth) {
        return new BlkQueue(memory, disk.transport().queues().get(queue), depth, DATA_BYTES_MAX);
    }

    long capacitySectors() {
        return disk.facts().capacitySectors();
    }

    /** Sends one request and waits for its end; answers its status. */
    static int request(BlkQueue queue, int type, long sector, int dataBytes, boolean deviceWrites) {
        queue.start(0, type, sector, dataBytes, deviceWrites);
        queue.submit();
        Await.until("a request of type " + type + " at sector " + sector + " is answered", () -> queue.pendingUsed() > 0);
        queue.reap();
        return queue.status(0);
    }

    @Override
    public void close() {
        disk.close();
        memory.close();
    }
}
