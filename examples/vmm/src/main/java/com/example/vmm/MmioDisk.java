package com.example.vmm;

import io.vireo.embed.GuestRam;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Virtqueue;
import io.vireo.embed.mmio.MmioTransport;
import java.util.concurrent.atomic.LongAdder;

/**
 * A disk in the machine: all that this VMM has to do with Vireo. The guest's kicks go from KVM to an IOThread, and its
 * interrupts from there to KVM; only the registers of set-up and configuration come by here.
 */
final class MmioDisk implements AutoCloseable {
    private static final int QUEUE_NOTIFY = 0x050;

    private final int slot;
    private final VirtioBlkDevice device;
    private final MmioTransport transport;
    private final LongAdder kicksByExit = new LongAdder();

    MmioDisk(int slot, VirtioBlkDevice device, Ram ram) {
        this.slot = slot;
        this.device = device;
        transport = MmioTransport.attach(device, memory(ram));
    }

    /** One that goes on where {@link #save} was called; nothing happens before it is resumed. */
    MmioDisk(int slot, VirtioBlkDevice device, Ram ram, byte[] state) {
        this.slot = slot;
        this.device = device;
        transport = MmioTransport.restore(device, MmioTransport.Notification.INDEX, state, memory(ram));
    }

    private static GuestRam[] memory(Ram ram) {
        return ram.parts().stream()
                .map(part -> GuestRam.ofFd(ram.fd, part.offset(), part.sizeBytes(), part.gpa()))
                .toArray(GuestRam[]::new);
    }

    /** Once for each machine that KVM makes. */
    void connect(KvmVm vm) {
        for (int queue = 0; queue < device.queues().size(); queue++) {
            vm.signalOnWrite(Board.disk(slot) + QUEUE_NOTIFY, queue, transport.kickFd(queue));
        }
        vm.interruptOnSignal(transport.interruptFd(), Board.IRQ_DISKS + slot);
    }

    boolean contains(long gpa) {
        return gpa >= Board.disk(slot) && gpa < Board.disk(slot) + MmioTransport.WINDOW_BYTES;
    }

    long read(long gpa, int bytes) {
        return transport.read((int) (gpa - Board.disk(slot)), bytes);
    }

    void write(long gpa, int bytes, long value) {
        int register = (int) (gpa - Board.disk(slot));
        if (register == QUEUE_NOTIFY) kicksByExit.increment();
        transport.write(register, bytes, value);
    }

    int slot() {
        return slot;
    }

    VirtioBlkDevice device() {
        return device;
    }

    /** Of a quiet device. */
    byte[] save() {
        return transport.save();
    }

    /** An interrupt for nothing, of which a driver makes nothing. */
    void interrupt(KvmVm vm) {
        vm.setInterruptLine(Board.IRQ_DISKS + slot, true);
        vm.setInterruptLine(Board.IRQ_DISKS + slot, false);
    }

    /** As the machine's reset line does. */
    void reset() {
        transport.reset();
    }

    /** Kicks by exit are those for which the guest had to be left: none, unless it kicks a queue that is not there. */
    String figures() {
        return "%s: %d requests, %d kicks, %d of them by exit, %d calls".formatted(
                device.name(), device.requests(), device.queues().stream().mapToLong(Virtqueue::kicks).sum(),
                kicksByExit.sum(), device.queues().stream().mapToLong(Virtqueue::calls).sum());
    }

    @Override
    public String toString() {
        return "%s: %d MiB, %d queues".formatted(device.name(), device.capacitySectors() >> 11, device.queues().size());
    }

    @Override
    public void close() {
        transport.close();
        device.close();
    }
}
