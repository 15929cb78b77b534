package io.vireo.virtio.driver;

import static io.vireo.virtio.mmio.MmioLayout.*;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.FrontendException.Fault;
import io.vireo.virtio.queue.PackedLayout;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A guest's driver of a virtio-mmio disk: brings it up as virtio 1.3 says in 3.1.1 and 4.2.3. Thread: one, while no load
 * runs on its queues.
 */
public final class MmioDisk implements AutoCloseable {
    /** How a kick reaches the device. */
    public enum Kick {
        /** As a hypervisor's ioeventfd does it. */
        EVENTFD,
        /** By a write of QueueNotify that is handed over; what NOTIFICATION_DATA needs. */
        REGISTER
    }

    /** @param features what to accept of what is offered */
    public record Options(long features, int queues, int queueSize, int buffersMax, Kick kick) {
        /** Every feature that is offered; this driver knows all of them. */
        public static Options of(int queues, int queueSize, Kick kick) {
            return new Options(-1, queues, queueSize, 16, kick);
        }

        public Options withoutFeatures(long mask) {
            return new Options(features & ~mask, queues, queueSize, buffersMax, kick);
        }

        public Options withBuffersMax(int value) {
            return new Options(features, queues, queueSize, value, kick);
        }
    }

    private static final int STATUS_ACKNOWLEDGE = 1;
    private static final int STATUS_DRIVER = 2;
    private static final int STATUS_DRIVER_OK = 4;
    private static final int STATUS_FEATURES_OK = 8;
    /** Header and status. */
    private static final int OTHER_BUFFERS = 2;
    private static final int SPLIT_BASE = 0;
    private static final int PACKED_BASE = PackedLayout.WRAP | PackedLayout.WRAP << 16;
    /** Widths of struct virtio_blk_config's fields, which are read one by one; 64 bits as two of 32. */
    private static final int[] CONFIG_WIDTHS = {4, 4, 4, 4, 2, 1, 1, 4, 1, 1, 2, 4, 1, 1, 2, 4, 4, 4, 4, 4, 1, 1, 1, 1};

    private final MmioWindow window;
    private final DriverMemory memory;
    private final Options options;
    private final List<DriverQueue> queues = new ArrayList<>();
    private long features;
    private DiskFacts facts;

    private MmioDisk(MmioWindow window, DriverMemory memory, Options options) {
        this.window = window;
        this.memory = memory;
        this.options = options;
    }

    /**
     * Finds the device and brings it up.
     *
     * @param memory stays the caller's, to be closed after the disk
     * @throws FrontendException the device does not play along
     */
    public static MmioDisk attach(MmioWindow window, DriverMemory memory, Options options) {
        MmioDisk disk = new MmioDisk(window, memory, options);
        try {
            disk.bringUp();
            return disk;
        } catch (RuntimeException e) {
            disk.closeEventFds();
            throw e;
        }
    }

    /** What a load needs. */
    public DriverTransport transport() {
        return new DriverTransport(memory, queues, facts);
    }

    public DiskFacts facts() {
        return facts;
    }

    public long features() {
        return features;
    }

    /** Resets one queue, and begins with it anew (2.6.1); needs RING_RESET, and nothing in flight. */
    public void resetQueue(int index) {
        put(QUEUE_SEL, index);
        put(QUEUE_RESET, 1);
        while (get(QUEUE_RESET) != 0) Thread.onSpinWait();
        require(get(QUEUE_READY) == 0, "queue " + index + " is ready after its reset");
        DriverVirtqueue virtqueue = queues.get(index).virtqueue();
        virtqueue.reset((features & VirtqueueLayout.F_RING_PACKED) != 0 ? PACKED_BASE : SPLIT_BASE);
        setUp(index, virtqueue);
    }

    /** Resets the device: what it has in flight may still be written, and is forgotten. */
    @Override
    public void close() {
        reset();
        closeEventFds();
    }

    private void bringUp() {
        require(get(MAGIC_VALUE) == MAGIC, "no virtio device");
        require(get(VERSION) == VERSION_MODERN, "version " + get(VERSION));
        require(get(DEVICE_ID) == DEVICE_ID_BLOCK, "device id " + get(DEVICE_ID));
        reset();
        status(STATUS_ACKNOWLEDGE);
        status(STATUS_DRIVER);
        features = offered() & options.features();
        put(DRIVER_FEATURES_SEL, 0);
        put(DRIVER_FEATURES, features & 0xFFFF_FFFFL);
        put(DRIVER_FEATURES_SEL, 1);
        put(DRIVER_FEATURES, features >>> 32);
        status(STATUS_FEATURES_OK);
        require((get(STATUS) & STATUS_FEATURES_OK) != 0, "features 0x%x are refused".formatted(features));
        facts = DiskFacts.read(config(), features);
        for (int i = 0; i < options.queues(); i++) makeQueue(i);
        status(STATUS_DRIVER_OK);
    }

    private void reset() {
        put(STATUS, 0);
        while (get(STATUS) != 0) Thread.onSpinWait();
    }

    private void status(int bit) {
        put(STATUS, get(STATUS) | bit);
    }

    private long offered() {
        put(DEVICE_FEATURES_SEL, 0);
        long low = get(DEVICE_FEATURES);
        put(DEVICE_FEATURES_SEL, 1);
        return low | get(DEVICE_FEATURES) << 32;
    }

    /** Again until the generation stays the same meanwhile (2.5.2). */
    private byte[] config() {
        byte[] bytes = new byte[BlkLayout.CONFIG_BYTES];
        long generation;
        do {
            generation = get(CONFIG_GENERATION);
            int at = 0;
            for (int width : CONFIG_WIDTHS) {
                long value = window.read(CONFIG + at, width);
                for (int i = 0; i < width; i++) bytes[at++] = (byte) (value >>> 8 * i);
            }
        } while (get(CONFIG_GENERATION) != generation);
        return bytes;
    }

    private void makeQueue(int index) {
        put(QUEUE_SEL, index);
        require(get(QUEUE_READY) == 0, "queue " + index + " is in use");
        require(get(QUEUE_NUM_MAX) >= options.queueSize(), "queue " + index + " has at most " + get(QUEUE_NUM_MAX));
        DriverVirtqueue virtqueue = DriverVirtqueue.of(memory, options.queueSize(), features,
                Math.min(options.buffersMax(), OTHER_BUFFERS + Math.min(facts.segmentsMax(), Short.MAX_VALUE)));
        EventFd kick = EventFd.owning(Fd.duplicateOf(window.kickFd(index)));
        EventFd call = EventFd.owning(Fd.duplicateOf(window.interruptFd()));
        Runnable doorbell = options.kick() == Kick.EVENTFD ? kick::signal : () -> notifyByRegister(index, virtqueue);
        queues.add(new DriverQueue(virtqueue, kick, call, doorbell, this::acknowledge));
        setUp(index, virtqueue);
    }

    private void setUp(int index, DriverVirtqueue virtqueue) {
        put(QUEUE_SEL, index);
        put(QUEUE_NUM, virtqueue.size());
        put(QUEUE_DESC_LOW, virtqueue.descriptorGpa() & 0xFFFF_FFFFL);
        put(QUEUE_DESC_HIGH, virtqueue.descriptorGpa() >>> 32);
        put(QUEUE_DRIVER_LOW, virtqueue.driverGpa() & 0xFFFF_FFFFL);
        put(QUEUE_DRIVER_HIGH, virtqueue.driverGpa() >>> 32);
        put(QUEUE_DEVICE_LOW, virtqueue.deviceGpa() & 0xFFFF_FFFFL);
        put(QUEUE_DEVICE_HIGH, virtqueue.deviceGpa() >>> 32);
        put(QUEUE_READY, 1);
        require(get(QUEUE_READY) == 1, "queue " + index + " is not ready");
    }

    private void notifyByRegister(int index, DriverVirtqueue virtqueue) {
        boolean data = (features & VirtqueueLayout.F_NOTIFICATION_DATA) != 0;
        put(QUEUE_NOTIFY, data ? index | (long) virtqueue.nextOffset() << NOTIFY_NEXT_SHIFT : index);
    }

    /** Before the rings are looked at: what is used after that interrupts again. */
    private void acknowledge() {
        long events = get(INTERRUPT_STATUS);
        if (events != 0) put(INTERRUPT_ACK, events);
    }

    private void closeEventFds() {
        for (DriverQueue queue : queues) {
            queue.kick().close();
            queue.call().close();
        }
    }

    private long get(int register) {
        return window.read(register, REGISTER_BYTES);
    }

    private void put(int register, long value) {
        window.write(register, REGISTER_BYTES, value);
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) throw new FrontendException(Fault.NOT_OFFERED, otherwise);
    }
}
