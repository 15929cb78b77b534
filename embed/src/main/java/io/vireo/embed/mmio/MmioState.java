package io.vireo.embed.mmio;

import io.vireo.embed.VirtioBlkDevice;
import io.vireo.virtio.mmio.MmioLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * What a virtio-mmio device is between two of its guest's accesses, in bytes that may come from anywhere. Little-endian:
 *
 * <pre>
 * u32 magic, version;
 * u64 driver_features;
 * u32 status, interrupt_status, device_features_sel, driver_features_sel, queue_sel, reserved;
 * u64 capacity_sectors;
 * u32 queues, device_state_bytes;
 * struct { u64 descriptor_area, driver_area, device_area; u32 size, ready, base, reserved; } queue[queues];
 * u8 device_state[device_state_bytes];
 * </pre>
 *
 * @param driverFeatures as the driver wrote them, with the transport's
 * @param capacitySectors as the driver knows it
 */
record MmioState(
        long driverFeatures,
        int status,
        int interruptStatus,
        long deviceFeaturesSel,
        long driverFeaturesSel,
        long queueSel,
        long capacitySectors,
        List<Queue> queues,
        byte[] deviceState) {
    /** @param base where the virtqueue goes on; says nothing of one that does not run */
    record Queue(int size, long descriptorArea, long driverArea, long deviceArea, boolean ready, int base) {}

    /** "VMIO". */
    private static final int MAGIC = 0x4F49_4D56;

    private static final int VERSION = 1;
    private static final int HEADER_BYTES = 56;
    private static final int QUEUE_BYTES = 40;
    private static final int QUEUES_MAX = 1 << 16;
    private static final int DEVICE_STATE_BYTES_MAX = 64 << 20;
    private static final int STATUS_ALL = VirtioBlkDevice.STATUS_ACKNOWLEDGE | VirtioBlkDevice.STATUS_DRIVER
            | VirtioBlkDevice.STATUS_FEATURES_OK | VirtioBlkDevice.STATUS_DRIVER_OK
            | VirtioBlkDevice.STATUS_DEVICE_NEEDS_RESET | VirtioBlkDevice.STATUS_FAILED;
    private static final int INTERRUPT_ALL = MmioLayout.INTERRUPT_USED_BUFFER | MmioLayout.INTERRUPT_CONFIG_CHANGE;

    byte[] encode() {
        ByteBuffer to = ByteBuffer.allocate(HEADER_BYTES + queues.size() * QUEUE_BYTES + deviceState.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        to.putInt(MAGIC).putInt(VERSION).putLong(driverFeatures).putInt(status).putInt(interruptStatus)
                .putInt((int) deviceFeaturesSel).putInt((int) driverFeaturesSel).putInt((int) queueSel).putInt(0)
                .putLong(capacitySectors).putInt(queues.size()).putInt(deviceState.length);
        for (Queue queue : queues) {
            to.putLong(queue.descriptorArea).putLong(queue.driverArea).putLong(queue.deviceArea)
                    .putInt(queue.size).putInt(queue.ready ? 1 : 0).putInt(queue.base).putInt(0);
        }
        return to.put(deviceState).array();
    }

    /** @throws IllegalArgumentException anything that {@link #encode} does not make */
    static MmioState decode(byte[] bytes) {
        ByteBuffer from = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        require(bytes.length >= HEADER_BYTES, "only %d bytes", bytes.length);
        int magic = from.getInt();
        require(magic == MAGIC, "it begins with 0x%x", magic);
        int version = from.getInt();
        require(version == VERSION, "version %d, where %d is known", version, VERSION);
        long features = from.getLong();
        int status = from.getInt();
        require((status & ~STATUS_ALL) == 0, "device status 0x%x", status);
        boolean featuresOk = (status & VirtioBlkDevice.STATUS_FEATURES_OK) != 0;
        boolean driverOk = (status & VirtioBlkDevice.STATUS_DRIVER_OK) != 0;
        boolean needsReset = (status & VirtioBlkDevice.STATUS_DEVICE_NEEDS_RESET) != 0;
        require(featuresOk || !driverOk || needsReset, "device status 0x%x", status);
        int interruptStatus = from.getInt();
        require((interruptStatus & ~INTERRUPT_ALL) == 0 && (driverOk || interruptStatus == 0),
                "interrupt status 0x%x in device status 0x%x", interruptStatus, status);
        long deviceFeaturesSel = u32(from);
        long driverFeaturesSel = u32(from);
        long queueSel = u32(from);
        requireZero(from.getInt());
        long capacitySectors = from.getLong();
        long queueCount = u32(from);
        long deviceStateBytes = u32(from);
        require(queueCount <= QUEUES_MAX && deviceStateBytes <= DEVICE_STATE_BYTES_MAX
                        && bytes.length == HEADER_BYTES + queueCount * QUEUE_BYTES + deviceStateBytes,
                "%d bytes for %d queues and %d of the device", bytes.length, queueCount, deviceStateBytes);
        List<Queue> queues = new ArrayList<>();
        for (int i = 0; i < queueCount; i++) queues.add(queue(from));
        byte[] deviceState = new byte[(int) deviceStateBytes];
        from.get(deviceState);
        return new MmioState(features, status, interruptStatus, deviceFeaturesSel, driverFeaturesSel, queueSel,
                capacitySectors, List.copyOf(queues), deviceState);
    }

    private static Queue queue(ByteBuffer from) {
        long descriptorArea = from.getLong();
        long driverArea = from.getLong();
        long deviceArea = from.getLong();
        int size = from.getInt();
        int ready = from.getInt();
        require(ready == 0 || ready == 1, "QueueReady %d", ready);
        int base = from.getInt();
        requireZero(from.getInt());
        return new Queue(size, descriptorArea, driverArea, deviceArea, ready == 1, base);
    }

    private static long u32(ByteBuffer from) {
        return Integer.toUnsignedLong(from.getInt());
    }

    private static void requireZero(int reserved) {
        require(reserved == 0, "0x%x in a reserved place", reserved);
    }

    private static void require(boolean condition, String otherwise, Object... arguments) {
        if (!condition) {
            throw new IllegalArgumentException("no state of a virtio-mmio device: " + otherwise.formatted(arguments));
        }
    }
}
