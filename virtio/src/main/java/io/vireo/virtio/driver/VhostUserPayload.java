package io.vireo.virtio.driver;

import static io.vireo.virtio.vhostuser.VhostUserLayout.*;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Payloads of vhost-user messages as bytes, whatever nonsense is in them: tests send that too. */
public final class VhostUserPayload {
    private VhostUserPayload() {}

    public static byte[] u64(long value) {
        return buffer(U64_BYTES).putLong(value).array();
    }

    /** Index and number of a vring state message. */
    public static byte[] state(int index, int number) {
        return buffer(STATE_BYTES).putInt(STATE_INDEX, index).putInt(STATE_NUM, number).array();
    }

    /** Where a vring's parts are, as user addresses. */
    public static byte[] addresses(int index, long descAddress, long availAddress, long usedAddress) {
        return buffer(ADDR_BYTES)
                .putInt(ADDR_INDEX, index)
                .putLong(ADDR_DESCRIPTOR, descAddress)
                .putLong(ADDR_USED, usedAddress)
                .putLong(ADDR_AVAILABLE, availAddress)
                .array();
    }

    /** As {@link #addresses}, with the used ring logged from a guest physical address on. */
    public static byte[] loggedAddresses(
            int index, long descAddress, long availAddress, long usedAddress, long usedGpa) {
        byte[] addresses = addresses(index, descAddress, availAddress, usedAddress);
        return ByteBuffer.wrap(addresses).order(ByteOrder.LITTLE_ENDIAN)
                .putInt(ADDR_FLAGS, ADDR_F_LOG)
                .putLong(ADDR_LOG, usedGpa)
                .array();
    }

    public static byte[] logBase(long sizeBytes, long offset) {
        return buffer(LOG_BYTES).putLong(LOG_SIZE, sizeBytes).putLong(LOG_OFFSET, offset).array();
    }

    /** Of an in-flight region. */
    public static byte[] inflight(long sizeBytes, long offset, int queues, int queueSize) {
        return buffer(INFLIGHT_BYTES)
                .putLong(INFLIGHT_SIZE, sizeBytes)
                .putLong(INFLIGHT_OFFSET, offset)
                .putShort(INFLIGHT_QUEUES, (short) queues)
                .putShort(INFLIGHT_QUEUE_SIZE, (short) queueSize)
                .array();
    }

    public static byte[] memTable(List<DriverMemory.Region> regions) {
        ByteBuffer table = buffer(TABLE_REGIONS + regions.size() * REGION_BYTES).putInt(TABLE_COUNT, regions.size());
        for (int i = 0; i < regions.size(); i++) put(table, TABLE_REGIONS + i * REGION_BYTES, regions.get(i));
        return table.array();
    }

    public static byte[] slot(DriverMemory.Region region) {
        ByteBuffer slot = buffer(SLOT_BYTES);
        put(slot, SLOT_REGION, region);
        return slot.array();
    }

    /** Offset, size and flags 0 of a configuration message, then the bytes. */
    public static byte[] config(int offset, byte[] bytes) {
        ByteBuffer config = buffer(CONFIG_PAYLOAD + bytes.length)
                .putInt(CONFIG_OFFSET, offset)
                .putInt(CONFIG_SIZE, bytes.length);
        return config.put(CONFIG_PAYLOAD, bytes).array();
    }

    static ByteBuffer buffer(int sizeBytes) {
        return ByteBuffer.allocate(sizeBytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void put(ByteBuffer to, int at, DriverMemory.Region region) {
        to.putLong(at + REGION_GUEST_ADDRESS, region.gpa());
        to.putLong(at + REGION_SIZE, region.sizeBytes());
        to.putLong(at + REGION_USER_ADDRESS, region.userAddress());
        to.putLong(at + REGION_MMAP_OFFSET, region.fdOffset());
    }
}
