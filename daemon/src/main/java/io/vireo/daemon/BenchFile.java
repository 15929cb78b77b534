package io.vireo.daemon;

import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.IoThreadConfig;
import io.vireo.config.RingFeature;
import io.vireo.config.VirtqueueConfig;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Vireo;
import io.vireo.virtio.driver.DriverTransport;
import java.util.List;

/** A file, a block device or a drive without storage, on a device and an IOThread in this process. */
final class BenchFile implements BenchTarget {
    private static final String IO_THREAD = "io0";

    private final Vireo vireo = Vireo.builder().iothread(IoThreadConfig.of(IO_THREAD)).start();
    private final InProcessGuest guest;
    private final ThreadCost cost;

    BenchFile(DriveConfig drive, int queues, boolean packed, long memoryBytes) {
        try {
            VirtioBlkDevice device = vireo.open(drive, DeviceConfig.of("vda", drive.nodeName()).withIothread(IO_THREAD)
                    .withQueues(VirtqueueConfig.DEFAULT.withCount(queues).with(RingFeature.PACKED, packed)));
            guest = InProcessGuest.attach(device, memoryBytes);
            cost = ThreadCost.of(IO_THREAD);
        } catch (RuntimeException e) {
            vireo.close();
            throw e;
        }
    }

    @Override
    public List<DriverTransport> transports() {
        return List.of(guest.transport());
    }

    /** The IOThread's: the driver is in this process as well. */
    @Override
    public long cpuNanos() {
        return cost.cpuNanos();
    }

    @Override
    public List<Long> pids() {
        return List.of(ProcessHandle.current().pid());
    }

    @Override
    public void close() {
        guest.close();
        vireo.close();
    }
}
