package io.vireo.jmh;

import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.IoThreadConfig;
import io.vireo.config.Origin;
import io.vireo.embed.GuestRam;
import io.vireo.embed.QueueSetup;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Vireo;
import io.vireo.posix.EventFd;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverQueue;
import io.vireo.virtio.driver.DriverVirtqueue;
import java.time.Duration;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Batches from a driver that polls, through device actor, stream and interrupt actor on an IOThread with a null drive,
 * and back; per request. Driver and IOThread take turns, so this is the time of both, on two processors.
 */
public class PipelineBatch extends Micro {
    private static final int REQUESTS = 128;
    private static final int QUEUE_SIZE = 256;
    private static final int BLOCK_BYTES = 4096;
    private static final long DISK_BYTES = 1L << 30;

    @Param({"1", "8", "32", "128"})
    public int batch;

    private Vireo vireo;
    private VirtioBlkDevice device;
    private DriverMemory memory;
    private DriverQueue queue;
    private BlkQueue requests;
    private int[] free;
    private int freeCount;

    @Setup
    public void attach() {
        vireo = Vireo.builder().iothread(IoThreadConfig.of("io0")).start();
        device = vireo.open(new DriveConfig.NullDrive("null", DISK_BYTES, false, Duration.ZERO, false, Origin.PROGRAM),
                DeviceConfig.of("vda", "null").withIothread("io0"));
        memory = DriverMemory.create(16 << 20);
        long features = device.offeredFeatures();
        device.acceptFeatures(features);
        DriverMemory.Region ram = memory.regions().getFirst();
        device.setMemory(GuestRam.ofFd(ram.fd().number(), ram.fdOffset(), ram.sizeBytes(), ram.gpa()));
        DriverVirtqueue ring = DriverVirtqueue.of(memory, QUEUE_SIZE, features, 8);
        queue = new DriverQueue(ring, EventFd.create(), EventFd.create());
        device.queues().getFirst().enable(new QueueSetup(QUEUE_SIZE, ring.descriptorGpa(), ring.driverGpa(), ring.deviceGpa(),
                queue.kick().fd().number(), queue.call().fd().number()));
        ring.suppressCalls();
        requests = new BlkQueue(memory, queue, REQUESTS, BLOCK_BYTES);
        free = new int[REQUESTS];
        for (int slot = 0; slot < REQUESTS; slot++) free[freeCount++] = slot;
    }

    @TearDown
    public void detach() {
        device.reset();
        vireo.close();
        queue.kick().close();
        queue.call().close();
        memory.close();
    }

    @Benchmark
    @OperationsPerInvocation(REQUESTS)
    public int thereAndBack() {
        int failed = 0;
        for (int done = 0; done < REQUESTS; done += batch) {
            for (int i = 0; i < batch; i++) requests.start(free[--freeCount], BlkLayout.T_IN, 8L * i, BLOCK_BYTES, true);
            requests.submit();
            for (int left = batch; left > 0; ) {
                if (requests.pendingUsed() == 0) {
                    Thread.onSpinWait();
                    continue;
                }
                int slot = requests.reap();
                if (requests.status(slot) != BlkLayout.S_OK) failed++;
                free[freeCount++] = slot;
                left--;
            }
        }
        if (failed > 0) throw new IllegalStateException(failed + " requests failed");
        return failed;
    }
}
