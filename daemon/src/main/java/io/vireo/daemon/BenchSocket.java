package io.vireo.daemon;

import io.vireo.posix.PosixException;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverTransport;
import io.vireo.virtio.driver.VhostUserDisk;
import java.nio.file.Path;
import java.time.Duration;

/** A vhost-user-blk back-end, anybody's, at its socket. */
final class BenchSocket implements BenchTarget {
    private static final int QUEUE_SIZE = 128;

    private final DriverMemory memory;
    private final VhostUserDisk disk;

    BenchSocket(Path socket, int queues, long memoryBytes) {
        memory = DriverMemory.create(memoryBytes);
        try {
            disk = VhostUserDisk.attach(socket, memory, VhostUserDisk.Options.defaults().withQueues(queues, QUEUE_SIZE));
        } catch (PosixException e) {
            memory.close();
            throw new OperatorException(ExitStatus.FAILED, "no back-end: " + e.getMessage());
        }
    }

    @Override
    public DriverTransport transport() {
        return disk.transport();
    }

    @Override
    public long cpuNanos() {
        return ProcessHandle.of(pid()).flatMap(process -> process.info().totalCpuDuration()).orElse(Duration.ZERO).toNanos();
    }

    @Override
    public long pid() {
        return disk.frontend().peer().pid();
    }

    @Override
    public void close() {
        disk.close();
        memory.close();
    }
}
