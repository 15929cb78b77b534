package io.vireo.virtio.queue;

import io.vireo.virtio.memory.DirtyLog;

/** The formats of a virtqueue: how large its areas are, how aligned, and where a device begins (virtio 1.3, 2.6). */
public enum RingFormat {
    /** Descriptor table, available ring and used ring (2.7). */
    SPLIT {
        @Override
        public boolean isValidSize(int size) {
            return VirtqueueLayout.isValidSize(size);
        }

        @Override
        public int newBase() {
            return 0;
        }

        @Override
        public boolean isLoggedBy(DirtyLog log, int size, long descriptorAddress, long deviceAddress) {
            return log.covers(deviceAddress, VirtqueueLayout.usedRingBytes(size));
        }

        @Override
        public boolean isValidBase(int size, int base) {
            return base >= 0 && base <= 0xFFFF;
        }

        @Override
        public long inflightBytes(int entries) {
            return InflightLayout.splitBytes(entries);
        }

        @Override
        public VirtqueueAreas locate(int size, long descriptor, long driver, long device, Translation translation) {
            return new VirtqueueAreas(
                    aligned(VirtqueueLayout.DESC_ALIGNMENT_BYTES, "descriptor table", descriptor,
                            VirtqueueLayout.descriptorTableBytes(size), translation),
                    aligned(VirtqueueLayout.AVAIL_ALIGNMENT_BYTES, "available ring", driver,
                            VirtqueueLayout.availRingBytes(size), translation),
                    aligned(VirtqueueLayout.USED_ALIGNMENT_BYTES, "used ring", device,
                            VirtqueueLayout.usedRingBytes(size), translation));
        }
    },

    /** Descriptor ring and two event suppression structures (2.8). */
    PACKED {
        /** No power of two is asked for. */
        @Override
        public boolean isValidSize(int size) {
            return size >= 1 && size <= VirtqueueLayout.SIZE_MAX;
        }

        /** Both wrap counters begin with 1 (2.8.1). */
        @Override
        public int newBase() {
            return PackedLayout.WRAP | PackedLayout.WRAP << 16;
        }

        @Override
        public boolean isLoggedBy(DirtyLog log, int size, long descriptorAddress, long deviceAddress) {
            return log.covers(descriptorAddress, VirtqueueLayout.descriptorTableBytes(size))
                    && log.covers(deviceAddress, PackedLayout.EVENT_BYTES);
        }

        @Override
        public boolean isValidBase(int size, int base) {
            return PackedVirtqueue.isValidBase(size, base);
        }

        @Override
        public long inflightBytes(int entries) {
            return InflightLayout.packedBytes(entries);
        }

        @Override
        public VirtqueueAreas locate(int size, long descriptor, long driver, long device, Translation translation) {
            return new VirtqueueAreas(
                    aligned(VirtqueueLayout.DESC_ALIGNMENT_BYTES, "descriptor ring", descriptor,
                            VirtqueueLayout.descriptorTableBytes(size), translation),
                    aligned(PackedLayout.EVENT_ALIGNMENT_BYTES, "driver event suppression", driver,
                            PackedLayout.EVENT_BYTES, translation),
                    aligned(PackedLayout.EVENT_ALIGNMENT_BYTES, "device event suppression", device,
                            PackedLayout.EVENT_BYTES, translation));
        }
    };

    /** From a transport's addresses to this process's. */
    public interface Translation {
        /**
         * The address here of an area that is wholly mapped.
         *
         * @param area for the message of the exception that says that it is not
         */
        long translate(String area, long address, long lengthBytes);
    }

    /** What the driver accepted. */
    public static RingFormat of(long features) {
        return (features & VirtqueueLayout.F_RING_PACKED) != 0 ? PACKED : SPLIT;
    }

    public abstract boolean isValidSize(int size);

    /** {@link Virtqueue#base} of a virtqueue that begins. */
    public abstract int newBase();

    /** Whether a virtqueue of this size can go on there. */
    public abstract boolean isValidBase(int size, int base);

    /** Bytes of a virtqueue's {@link InflightArea}, from one to the next. */
    public abstract long inflightBytes(int entries);

    /** Whether the log has a bit for every byte that a device writes into areas at these guest physical addresses. */
    public abstract boolean isLoggedBy(DirtyLog log, int size, long descriptorAddress, long deviceAddress);

    /**
     * Finds the areas of a virtqueue of that size.
     *
     * @throws IllegalArgumentException an area is not aligned as its format wants it
     */
    public abstract VirtqueueAreas locate(
            int size, long descriptor, long driver, long device, Translation translation);

    private static long aligned(
            int alignmentBytes, String area, long address, long lengthBytes, Translation translation) {
        long here = translation.translate(area, address, lengthBytes);
        if (here <= 0 || here % alignmentBytes != 0) {
            throw new IllegalArgumentException(
                    area + " at 0x" + Long.toHexString(address) + " is not aligned to " + alignmentBytes + " bytes");
        }
        return here;
    }
}
