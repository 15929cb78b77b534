package io.vireo.embed.mmio;

import static io.vireo.virtio.mmio.MmioLayout.*;

import io.vireo.embed.GuestRam;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.posix.EventFd;
import io.vireo.virtio.blk.BlkConfigSpace;
import io.vireo.virtio.mmio.MmioLayout;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A virtio-mmio device, version 2 (virtio 1.3, 4.2), for a VMM that traps guest accesses to {@link #WINDOW_BYTES} of
 * guest physical memory and hands them to {@link #read} and {@link #write}.
 *
 * <p>The road of a request has none of this in it if the VMM gives the eventfds to its hypervisor: {@link #kickFd} of
 * each queue for writes of its index to offset 0x050 (KVM_IOEVENTFD with a datamatch, 4 bytes), {@link #interruptFd} for
 * an edge-triggered interrupt (KVM_IRQFD). InterruptStatus is right before that is signalled.
 *
 * <p>Nothing that a guest does throws: what makes no sense is ignored, what the device cannot go on with sets
 * DEVICE_NEEDS_RESET, and both are logged, a bounded number of lines.
 *
 * <p>Thread: any, such as the vCPUs'. Accesses wait for each other, and those that stop a queue for what is in flight;
 * QueueNotify, InterruptStatus and InterruptACK wait for nothing.
 */
public final class MmioTransport implements AutoCloseable {
    public static final int WINDOW_BYTES = MmioLayout.WINDOW_BYTES;

    /** What is in a notification of the driver (2.9). */
    public enum Notification {
        /** The virtqueue's index and nothing else. */
        INDEX,
        /**
         * Also how far the ring is filled, if the driver accepts VIRTIO_F_NOTIFICATION_DATA. No datamatch finds a queue in
         * that: the VMM passes each write on, or has one queue and an ioeventfd for any value.
         */
        DATA
    }

    private static final Logger LOG = LoggerFactory.getLogger(MmioTransport.class);
    /** "VREO". */
    private static final int VENDOR_ID = 0x4F45_5256;
    private static final long ALL_ONES = 0xFFFF_FFFFL;

    private final VirtioBlkDevice device;
    private final MmioFeatures features;
    private final RateLimitedLog log;
    private final List<MmioQueue> queues;
    private final InterruptStatus interrupts = new InterruptStatus();
    private final Runnable beforeCall = () -> interrupts.raise(INTERRUPT_USED_BUFFER);
    private final EventFd interrupt = EventFd.create();
    private GuestRam[] ram;
    private long queueSel;
    private volatile boolean needsReset;
    private volatile boolean closed;

    private MmioTransport(VirtioBlkDevice device, Notification notification, GuestRam[] ram) {
        this.device = device;
        this.ram = ram.clone();
        features = new MmioFeatures(device.offeredFeatures()
                | (notification == Notification.DATA ? VirtqueueLayout.F_NOTIFICATION_DATA : 0));
        log = new RateLimitedLog(LOG, device.name(), device.labels());
        device.setMemory(ram);
        queues = device.queues().stream().map(MmioQueue::new).toList();
        device.onConfigChange(this::interruptForConfig);
    }

    /**
     * Puts a device that no driver has used yet behind a register window, and listens to its {@code onConfigChange}.
     *
     * @param ram the guest's memory; file descriptors in it stay open until the transport is closed, since the device
     *     takes them anew after each reset
     * @throws IllegalArgumentException as {@link VirtioBlkDevice#setMemory}
     */
    public static MmioTransport attach(VirtioBlkDevice device, Notification notification, GuestRam... ram) {
        return new MmioTransport(device, notification, ram);
    }

    /** As {@link #attach(VirtioBlkDevice, Notification, GuestRam...)}, with {@link Notification#INDEX}. */
    public static MmioTransport attach(VirtioBlkDevice device, GuestRam... ram) {
        return attach(device, Notification.INDEX, ram);
    }

    /**
     * As {@link #attach(VirtioBlkDevice, Notification, GuestRam...)}, and goes on where {@link #save} was called, perhaps in
     * another process. The device is paused; with {@link VirtioBlkDevice#resume} it looks at its queues, whether their
     * kicks came before or after.
     *
     * @param ram as the guest left it
     * @param state from a device of the same configuration; may be anything
     * @throws IllegalArgumentException it is no such state, or does not fit this device or memory; the device is reset
     */
    public static MmioTransport restore(
            VirtioBlkDevice device, Notification notification, byte[] state, GuestRam... ram) {
        MmioState saved = MmioState.decode(state);
        if (saved.queues().size() != device.queues().size()) {
            throw new IllegalArgumentException(
                    "a state of %d queues for %d".formatted(saved.queues().size(), device.queues().size()));
        }
        MmioTransport transport = new MmioTransport(device, notification, ram);
        try {
            device.pause();
            transport.restore(saved);
            return transport;
        } catch (RuntimeException e) {
            transport.close();
            device.resume();
            throw e;
        }
    }

    /**
     * The registers and what the device knows, for {@link #restore}. The device is {@linkplain VirtioBlkDevice#quiesce
     * quiesced}, and no vCPU runs.
     */
    public synchronized byte[] save() {
        List<MmioState.Queue> saved = queues.stream()
                .map(queue -> queue.save(queue.virtqueue.isEnabled() ? queue.virtqueue.base() : 0)).toList();
        return new MmioState(features.ofDriver, status(), interrupts.read(), features.deviceSel, features.driverSel, queueSel,
                device.capacitySectors(), saved, device.saveState()).encode();
    }

    public VirtioBlkDevice device() {
        return device;
    }

    /** Eventfd that notifies the device of a queue's new buffers, as a write of its index to QueueNotify does. Stays ours. */
    public int kickFd(int queue) {
        return queues.get(queue).kick.fd().number();
    }

    /** Eventfd that is signalled when the device interrupts its driver. Stays ours. */
    public int interruptFd() {
        return interrupt.fd().number();
    }

    /** The guest's memory from now on, as {@link VirtioBlkDevice#setMemory}. */
    public synchronized void setMemory(GuestRam... ranges) {
        device.setMemory(ranges);
        ram = ranges.clone();
    }

    /**
     * The guest reads.
     *
     * @param offset into the window
     * @param widthBytes 1, 2, 4 or 8
     * @return what it gets, unsigned and little-endian: byte 0 is the lowest; 0 where there is nothing to read
     */
    public long read(int offset, int widthBytes) {
        if (closed) return 0;
        if (offset >= CONFIG) return readConfig(offset - CONFIG, widthBytes);
        if (!isRegister(offset, widthBytes)) return ignored("read", offset, widthBytes);
        if (offset == INTERRUPT_STATUS) return interrupts.read();
        return readRegister(offset) & ALL_ONES;
    }

    /** The guest writes; units as in {@link #read}. */
    public void write(int offset, int widthBytes, long value) {
        if (closed) return;
        if (offset >= CONFIG) {
            writeConfig(offset - CONFIG, widthBytes, value);
        } else if (!isRegister(offset, widthBytes)) {
            ignored("write", offset, widthBytes);
        } else if (offset == QUEUE_NOTIFY) {
            kick((int) value & NOTIFY_INDEX_MASK);
        } else if (offset == INTERRUPT_ACK) {
            interrupts.acknowledge((int) value);
        } else {
            writeRegister(offset, value & ALL_ONES);
        }
    }

    /**
     * Resets the device, which stays the caller's and is to be closed after this, and closes the eventfds. No vCPU runs any
     * more. A device that keeps requests after an I/O error tries them once more, and answers them.
     */
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        device.onConfigChange(() -> {});
        interrupts.disable();
        try {
            device.reset();
        } finally {
            queues.forEach(queue -> queue.kick.close());
            interrupt.close();
        }
    }

    /** Registers are to be accessed as a whole (4.2.2.2). */
    private static boolean isRegister(int offset, int widthBytes) {
        return offset >= 0 && widthBytes == REGISTER_BYTES && offset % REGISTER_BYTES == 0;
    }

    private synchronized long readRegister(int offset) {
        MmioQueue queue = selected();
        return switch (offset) {
            case MAGIC_VALUE -> MAGIC;
            case VERSION -> VERSION_MODERN;
            case DEVICE_ID -> DEVICE_ID_BLOCK;
            case MmioLayout.VENDOR_ID -> VENDOR_ID;
            case DEVICE_FEATURES -> features.read();
            case QUEUE_NUM_MAX -> queue == null ? 0 : queue.virtqueue.sizeMax();
            case QUEUE_READY -> queue != null && queue.ready ? 1 : 0;
            // A reset is over when the write that asked for it is, or not at all.
            case QUEUE_RESET -> queue != null && queue.resetting ? 1 : 0;
            case STATUS -> status();
            case SHM_LEN_LOW, SHM_LEN_HIGH, SHM_BASE_LOW, SHM_BASE_HIGH -> ALL_ONES; // there is no such region
            case CONFIG_GENERATION -> device.configGeneration();
            default -> ignored("read", offset, REGISTER_BYTES);
        };
    }

    private synchronized void writeRegister(int offset, long value) {
        switch (offset) {
            case DEVICE_FEATURES_SEL -> features.deviceSel = value;
            case DRIVER_FEATURES_SEL -> features.driverSel = value;
            case DRIVER_FEATURES -> writeFeatures(value);
            case QUEUE_SEL -> queueSel = value;
            case STATUS -> writeStatus((int) value);
            case SHM_SEL -> {} // whatever it selects, there is none
            case QUEUE_READY, QUEUE_RESET, QUEUE_NUM, QUEUE_DESC_LOW, QUEUE_DESC_HIGH, QUEUE_DRIVER_LOW, QUEUE_DRIVER_HIGH,
                    QUEUE_DEVICE_LOW, QUEUE_DEVICE_HIGH -> writeQueue(offset, value);
            default -> ignored("write", offset, REGISTER_BYTES);
        }
    }

    private void writeFeatures(long value) {
        if (accepted(VirtioBlkDevice.STATUS_FEATURES_OK)) {
            refused("features 0x%x of word %d are written after FEATURES_OK", value, features.driverSel);
        } else if (!features.write(value)) {
            refused("features 0x%x of word %d: there is no such word", value, features.driverSel);
        }
    }

    private void writeStatus(int value) {
        if (value == 0) {
            reset();
            return;
        }
        int fresh = value & ~status();
        if ((fresh & VirtioBlkDevice.STATUS_FEATURES_OK) != 0) acceptFeatures();
        device.writeStatus(value);
        if ((fresh & VirtioBlkDevice.STATUS_DRIVER_OK) != 0) start();
    }

    /** When it does not work out FEATURES_OK does not stick, which is all that the driver is told. */
    private void acceptFeatures() {
        try {
            device.acceptFeatures(features.acceptable());
        } catch (IllegalArgumentException e) {
            refused("%s", e.getMessage());
        }
    }

    private void start() {
        if (!accepted(VirtioBlkDevice.STATUS_FEATURES_OK)) {
            needReset("DRIVER_OK without FEATURES_OK");
            return;
        }
        if (needsReset) return;
        interrupts.enable();
        for (MmioQueue queue : queues) if (queue.ready) start(queue);
    }

    private void start(MmioQueue queue) {
        try {
            queue.virtqueue.enable(queue.setup(interrupt, beforeCall));
        } catch (RuntimeException e) {
            needReset("queue %d cannot be enabled: %s", queue.index(), e.getMessage());
        }
    }

    private void writeQueue(int offset, long value) {
        MmioQueue queue = selected();
        if (queue == null) {
            refused("0x%x is written to register 0x%x of queue %d, which is not there", value, offset, queueSel);
        } else if (offset == QUEUE_READY) {
            writeReady(queue, value);
        } else if (offset == QUEUE_RESET) {
            writeReset(queue, value);
        } else if (queue.ready) {
            refused("0x%x is written to register 0x%x of queue %d, which is ready", value, offset, queueSel);
        } else {
            queue.setUp(offset, value);
        }
    }

    private void writeReady(MmioQueue queue, long value) {
        if (value > 1) {
            refused("0x%x is written to QueueReady of queue %d", value, queueSel);
        } else if (value == 0) {
            stop(queue);
        } else if (!queue.ready) {
            queue.ready = true;
            if (accepted(VirtioBlkDevice.STATUS_DRIVER_OK) && !needsReset) start(queue);
        }
    }

    private void writeReset(MmioQueue queue, long value) {
        if (!accepted(VirtioBlkDevice.STATUS_FEATURES_OK) || !features.hasRingReset()) {
            refused("0x%x is written to QueueReset of queue %d without VIRTIO_F_RING_RESET", value, queueSel);
        } else if (value == 1) {
            queue.resetting = true;
            if (stop(queue)) queue.resetting = false;
        } else {
            refused("0x%x is written to QueueReset of queue %d", value, queueSel);
        }
    }

    /** False when it still uses its rings, as its registers say then. */
    private boolean stop(MmioQueue queue) {
        try {
            queue.virtqueue.disable();
        } catch (RuntimeException e) {
            needReset("queue %d cannot be stopped: %s", queue.index(), e.getMessage());
            return false;
        }
        queue.ready = false;
        return true;
    }

    /** The machine is reset: as a driver's write of 0 to Status. */
    public synchronized void reset() {
        interrupts.disable();
        queues.forEach(MmioQueue::reset);
        features.reset();
        queueSel = 0;
        try {
            device.reset();
            device.setMemory(ram);
            needsReset = false;
        } catch (RuntimeException e) {
            needsReset = true;
            log.error(System.nanoTime(), "mmio-reset", "the reset did not come to its end: {}", e.getMessage());
        }
    }

    private synchronized void restore(MmioState saved) {
        features.restore(saved);
        queueSel = saved.queueSel();
        needsReset = (saved.status() & VirtioBlkDevice.STATUS_DEVICE_NEEDS_RESET) != 0;
        boolean driverOk = (saved.status() & VirtioBlkDevice.STATUS_DRIVER_OK) != 0;
        if ((saved.status() & VirtioBlkDevice.STATUS_FEATURES_OK) != 0) device.acceptFeatures(features.acceptable());
        device.writeStatus(saved.status());
        if (driverOk) interrupts.enable();
        for (MmioQueue queue : queues) {
            MmioState.Queue was = saved.queues().get(queue.index());
            queue.restore(was);
            if (driverOk && was.ready() && !needsReset) {
                queue.virtqueue.enable(queue.setup(interrupt, beforeCall), was.base());
            }
        }
        device.loadState(saved.deviceState());
        interrupts.raise(saved.interruptStatus());
        if (interrupts.read() != 0) interrupt.signal(); // whether it got through before, nobody knows
        if (saved.capacitySectors() != device.capacitySectors()) interruptForConfig();
    }

    private int status() {
        return device.status() | (needsReset ? VirtioBlkDevice.STATUS_DEVICE_NEEDS_RESET : 0);
    }

    private boolean accepted(int statusBit) {
        return (device.status() & statusBit) != 0;
    }

    private MmioQueue selected() {
        return queueSel < queues.size() ? queues.get((int) queueSel) : null;
    }

    private void kick(int index) {
        if (index < queues.size()) queues.get(index).kick.signal();
        else refused("a notification for queue %d, which is not there", index);
    }

    private long readConfig(int offset, int widthBytes) {
        if (widthBytes < 1 || widthBytes > Long.BYTES || offset > BlkConfigSpace.READ_BYTES_MAX - widthBytes) return 0;
        byte[] bytes = device.readConfig(offset, widthBytes);
        long value = 0;
        for (int i = widthBytes - 1; i >= 0; i--) value = value << 8 | bytes[i] & 0xFF;
        return value;
    }

    private synchronized void writeConfig(int offset, int widthBytes, long value) {
        byte[] bytes = new byte[Math.clamp(widthBytes, 0, Long.BYTES)];
        for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) (value >>> 8 * i);
        if (!accepted(VirtioBlkDevice.STATUS_FEATURES_OK) || !device.writeConfig(offset, bytes)) {
            refused("0x%x is written to byte %d of the configuration space, %d bytes wide", value, offset, widthBytes);
        }
    }

    private void interruptForConfig() {
        if (interrupts.raise(INTERRUPT_CONFIG_CHANGE)) interrupt.signal();
    }

    /** For what the device cannot go on with. */
    private void needReset(String why, Object... arguments) {
        needsReset = true;
        log.warn(System.nanoTime(), "mmio-needs-reset", "needs a reset: {}", why.formatted(arguments));
        interruptForConfig(); // 2.1.2
    }

    /** For what a driver must not do and the device need not mind. */
    private void refused(String what, Object... arguments) {
        log.warn(System.nanoTime(), "mmio-refused", "ignored: {}", what.formatted(arguments));
    }

    private long ignored(String access, int offset, int widthBytes) {
        refused("a %s of %d bytes at 0x%x, where no register is for that", access, widthBytes, offset);
        return 0;
    }
}
