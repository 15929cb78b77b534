package io.vireo.daemon;

import io.vireo.posix.PosixException;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverTransport;
import io.vireo.virtio.driver.FrontendException;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** A disk of a vhost-user-blk back-end, anybody's, at its socket. */
final class BenchSocket implements AutoCloseable {
    private static final int QUEUE_SIZE = 128;

    private final DriverMemory memory;
    private final VhostUserDisk disk;
    private final long pid;
    private final CompletableFuture<Void> gone = new CompletableFuture<>();
    private volatile boolean closing;

    /** @param packed on packed virtqueues, which the back-end must offer */
    BenchSocket(Path socket, int queues, boolean packed, long memoryBytes) {
        memory = DriverMemory.create(memoryBytes);
        VhostUserDisk.Options options = VhostUserDisk.Options.defaults().withQueues(queues, QUEUE_SIZE);
        try {
            disk = VhostUserDisk.attach(
                    socket, memory, packed ? options.withFeatures(VirtqueueLayout.F_RING_PACKED) : options);
        } catch (PosixException e) {
            memory.close();
            throw new OperatorException(ExitStatus.FAILED, "no back-end: " + e.getMessage());
        } catch (FrontendException e) {
            memory.close();
            throw refused(socket, e);
        }
        if (packed && (disk.features() & VirtqueueLayout.F_RING_PACKED) == 0) {
            disk.close();
            memory.close();
            throw new OperatorException(ExitStatus.FAILED, "the back-end at " + socket + " offers no packed virtqueues");
        }
        pid = disk.frontend().peer().pid();
        Thread.ofPlatform().daemon().name("hang-up").start(this::awaitEnd);
    }

    private static OperatorException refused(Path socket, FrontendException e) {
        return switch (e.fault()) {
            // A back-end has one front-end: the next one is turned away, or left waiting.
            case CLOSED, TIMEOUT -> new OperatorException(ExitStatus.IN_USE,
                    "the back-end at " + socket + " serves somebody else, or refused us: " + e.getMessage());
            case WRONG_REPLY, REFUSED, NOT_OFFERED -> new OperatorException(ExitStatus.FAILED,
                    "the back-end at " + socket + " does not play along: " + e.getMessage());
        };
    }

    /** Nothing is said on the connection while requests are made, so whoever listens hears only its end. */
    private void awaitEnd() {
        try {
            while (!closing && !disk.frontend().isClosedByBackend()) continue;
        } finally {
            gone.complete(null);
        }
    }

    DriverTransport transport() {
        return disk.transport();
    }

    /** The back-end's process. */
    long pid() {
        return pid;
    }

    /** Done when the back-end ended the connection. */
    CompletableFuture<Void> gone() {
        return gone;
    }

    @Override
    public void close() {
        // A load may still wait for what is gone, in memory that goes with the process.
        if (gone.isDone()) return;
        closing = true;
        disk.frontend().shutdown();
        gone.join();
        disk.close();
        memory.close();
    }
}
