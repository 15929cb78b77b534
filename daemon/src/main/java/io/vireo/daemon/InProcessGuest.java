package io.vireo.daemon;

import io.vireo.embed.GuestRam;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.mmio.MmioTransport;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.DriverTransport;
import io.vireo.virtio.driver.MmioDisk;
import io.vireo.virtio.driver.MmioWindow;

/** A VMM and its guest in this process: memory in a memfd, and a driver behind a virtio-mmio window. */
final class InProcessGuest implements AutoCloseable {
    private static final int QUEUE_SIZE = 256;

    private final DriverMemory memory;
    private final MmioTransport mmio;
    private final MmioDisk disk;

    private InProcessGuest(VirtioBlkDevice device, DriverMemory memory) {
        this.memory = memory;
        DriverMemory.Region ram = memory.regions().getFirst();
        mmio = MmioTransport.attach(
                device, GuestRam.ofFd(ram.fd().number(), ram.fdOffset(), ram.sizeBytes(), ram.gpa()));
        disk = MmioDisk.attach(window(mmio), memory, MmioDisk.Options
                .of(device.queues().size(), QUEUE_SIZE, MmioDisk.Kick.EVENTFD).withBuffersMax(Integer.MAX_VALUE));
    }

    static InProcessGuest attach(VirtioBlkDevice device, long memoryBytes) {
        return new InProcessGuest(device, DriverMemory.create(memoryBytes));
    }

    private static MmioWindow window(MmioTransport mmio) {
        return new MmioWindow() {
            @Override
            public long read(int offset, int widthBytes) {
                return mmio.read(offset, widthBytes);
            }

            @Override
            public void write(int offset, int widthBytes, long value) {
                mmio.write(offset, widthBytes, value);
            }

            @Override
            public int kickFd(int queue) {
                return mmio.kickFd(queue);
            }

            @Override
            public int interruptFd() {
                return mmio.interruptFd();
            }
        };
    }

    DriverTransport transport() {
        return disk.transport();
    }

    @Override
    public void close() {
        disk.close();
        mmio.close();
        memory.close();
    }
}
