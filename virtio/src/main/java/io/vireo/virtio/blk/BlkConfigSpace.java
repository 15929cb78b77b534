package io.vireo.virtio.blk;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A block device's configuration space (virtio 1.3, 5.2.4): read-only but for {@code writeback}.
 *
 * <p>Thread: one writes (the transport's), any may read.
 */
public final class BlkConfigSpace {
    /** How far front-ends read; what is past the structure is zero. */
    public static final int READ_BYTES_MAX = 256;

    private static final VarHandle U16 = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle U32 = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle U64 = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private volatile byte[] fixed;
    private volatile int generation;
    private final boolean writeCache;
    private volatile boolean writeback;
    /** What the driver that was reset, or is about to come, may see: all of it. */
    private volatile boolean zonesHidden;

    public BlkConfigSpace(BlkProperties properties) {
        fixed = encode(properties);
        writeCache = properties.writeCache();
        writeback = writeCache;
    }

    /** Another capacity; whoever reads sees the one or the other, whole (2.5.3). */
    public synchronized void resize(long capacitySectors) {
        byte[] next = fixed.clone();
        U64.set(next, BlkLayout.CONFIG_CAPACITY, capacitySectors);
        // On both sides: a driver that reads one part before and one after must see it change in between.
        generation++;
        fixed = next;
        generation++;
    }

    /** Goes up with each change that the driver has not made itself (2.5.1): for a transport that shows it. */
    public int generation() {
        return generation;
    }

    private static byte[] encode(BlkProperties p) {
        byte[] bytes = new byte[BlkLayout.CONFIG_FULL_BYTES];
        U64.set(bytes, BlkLayout.CONFIG_CAPACITY, p.capacitySectors());
        U32.set(bytes, BlkLayout.CONFIG_SIZE_MAX, p.sizeMaxBytes());
        U32.set(bytes, BlkLayout.CONFIG_SEG_MAX, p.segMax());
        U32.set(bytes, BlkLayout.CONFIG_BLK_SIZE, p.logicalBlockBytes());
        bytes[BlkLayout.CONFIG_PHYSICAL_BLOCK_EXP] =
                (byte) Integer.numberOfTrailingZeros(p.physicalBlockBytes() / p.logicalBlockBytes());
        U16.set(bytes, BlkLayout.CONFIG_MIN_IO_SIZE, (short) (p.minIoBytes() / p.logicalBlockBytes()));
        U32.set(bytes, BlkLayout.CONFIG_OPT_IO_SIZE, p.optIoBytes() / p.logicalBlockBytes());
        U16.set(bytes, BlkLayout.CONFIG_NUM_QUEUES, (short) p.numQueues());
        if (p.discards()) {
            U32.set(bytes, BlkLayout.CONFIG_MAX_DISCARD_SECTORS, p.discard().maxSectors());
            U32.set(bytes, BlkLayout.CONFIG_MAX_DISCARD_SEG, p.discard().maxSegments());
            U32.set(bytes, BlkLayout.CONFIG_DISCARD_SECTOR_ALIGNMENT, p.discard().alignmentSectors());
        }
        if (p.writesZeroes()) {
            U32.set(bytes, BlkLayout.CONFIG_MAX_WRITE_ZEROES_SECTORS, p.writeZeroes().maxSectors());
            U32.set(bytes, BlkLayout.CONFIG_MAX_WRITE_ZEROES_SEG, p.writeZeroes().maxSegments());
            bytes[BlkLayout.CONFIG_WRITE_ZEROES_MAY_UNMAP] = (byte) (p.writeZeroes().mayUnmap() ? 1 : 0);
        }
        if (p.secureErases()) {
            U32.set(bytes, BlkLayout.CONFIG_MAX_SECURE_ERASE_SECTORS, p.secureErase().maxSectors());
            U32.set(bytes, BlkLayout.CONFIG_MAX_SECURE_ERASE_SEG, p.secureErase().maxSegments());
            U32.set(bytes, BlkLayout.CONFIG_SECURE_ERASE_SECTOR_ALIGNMENT, p.secureErase().alignmentSectors());
        }
        if (p.zoned().hasZones()) {
            U32.set(bytes, BlkLayout.CONFIG_ZONE_SECTORS, p.zoned().zoneSectors());
            U32.set(bytes, BlkLayout.CONFIG_MAX_OPEN_ZONES, p.zoned().maxOpen());
            U32.set(bytes, BlkLayout.CONFIG_MAX_ACTIVE_ZONES, p.zoned().maxActive());
            U32.set(bytes, BlkLayout.CONFIG_MAX_APPEND_SECTORS, p.zoned().maxAppendSectors());
            U32.set(bytes, BlkLayout.CONFIG_WRITE_GRANULARITY, p.zoned().writeGranularityBytes());
            bytes[BlkLayout.CONFIG_ZONE_MODEL] = (byte) p.zoned().model();
        }
        return bytes;
    }

    /**
     * A copy of {@code lengthBytes} bytes, zero past the end of the structure.
     *
     * @throws IllegalArgumentException a range that is empty or not within the first 256 bytes
     */
    public byte[] read(int offset, int lengthBytes) {
        if (offset < 0 || lengthBytes < 1 || lengthBytes > READ_BYTES_MAX - offset) {
            throw new IllegalArgumentException("configuration space read of " + lengthBytes + " bytes at " + offset);
        }
        byte[] answer = new byte[lengthBytes];
        byte[] now = fixed;
        int end = zonesHidden ? BlkLayout.CONFIG_ZONE_SECTORS : now.length;
        if (offset < end) System.arraycopy(now, offset, answer, 0, Math.min(lengthBytes, end - offset));
        int at = BlkLayout.CONFIG_WRITEBACK - offset;
        if (at >= 0 && at < lengthBytes) answer[at] = (byte) (writeback ? 1 : 0);
        return answer;
    }

    /** Writes {@code writeback}, one byte of 0 or 1; false, and nothing changed, for anything else. */
    public boolean write(int offset, byte[] bytes) {
        if (offset != BlkLayout.CONFIG_WRITEBACK || bytes.length != 1) return false;
        if (bytes[0] != 0 && bytes[0] != 1) return false;
        writeback = bytes[0] == 1;
        return true;
    }

    /**
     * The driver's features are known (5.2.5): one that took CONFIG_WCE without FLUSH cannot flush, so the device begins
     * write-through; one that did not take ZONED sees no zones.
     */
    public void accepted(long features) {
        if ((features & (BlkLayout.F_CONFIG_WCE | BlkLayout.F_FLUSH)) == BlkLayout.F_CONFIG_WCE) writeback = false;
        zonesHidden = (features & BlkLayout.F_ZONED) == 0;
    }

    /**
     * The driver is gone. The cache mode stays: it may be the same driver that comes back over another connection, and
     * to be write-back where it believes in write-through would lose its data.
     */
    public void driverGone() {
        zonesHidden = false;
    }

    /** The driver starts over: what it wrote is forgotten. */
    public void reset() {
        writeback = writeCache;
        zonesHidden = false;
    }

    public boolean writeback() {
        return writeback;
    }

    /**
     * Whether writes may complete before they are durable, for a driver that accepted these features (5.2.5, 5.2.6.2).
     * One that cannot switch the mode has the one that was configured.
     */
    public boolean isWriteBack(long features) {
        if ((features & BlkLayout.F_CONFIG_WCE) != 0) return writeback;
        return writeCache && (features & BlkLayout.F_FLUSH) != 0;
    }
}
