package io.vireo.embed.mmio;

import io.vireo.virtio.queue.VirtqueueLayout;

/**
 * What the device offers and what its driver wrote, in words of 32 bits that the Sel registers select (virtio 1.3, 4.2.2).
 * Thread: whoever holds the transport's lock.
 */
final class MmioFeatures {
    private static final long ALL_ONES = 0xFFFF_FFFFL;

    private final long offered;
    long deviceSel;
    long driverSel;
    long ofDriver;

    /** @param offered the device's and the transport's */
    MmioFeatures(long offered) {
        this.offered = offered;
    }

    void reset() {
        deviceSel = driverSel = ofDriver = 0;
    }

    void restore(MmioState saved) {
        deviceSel = saved.deviceFeaturesSel();
        driverSel = saved.driverFeaturesSel();
        ofDriver = saved.driverFeatures();
    }

    /** The word of those offered that is selected. */
    long read() {
        return deviceSel == 0 ? offered & ALL_ONES : deviceSel == 1 ? offered >>> 32 : 0;
    }

    /** False when the word selected is not there, and its bits cannot be either. */
    boolean write(long value) {
        if (driverSel == 0) ofDriver = ofDriver & ~ALL_ONES | value;
        else if (driverSel == 1) ofDriver = ofDriver & ALL_ONES | value << 32;
        else return value == 0;
        return true;
    }

    boolean hasRingReset() {
        return (ofDriver & VirtqueueLayout.F_RING_RESET) != 0;
    }

    /**
     * The driver's features without the transport's.
     *
     * @throws IllegalArgumentException it is a driver of before virtio 1.0
     */
    long acceptable() {
        if ((ofDriver & VirtqueueLayout.F_VERSION_1) == 0) {
            throw new IllegalArgumentException("features 0x%x without VIRTIO_F_VERSION_1".formatted(ofDriver));
        }
        return ofDriver & ~(offered & VirtqueueLayout.F_NOTIFICATION_DATA);
    }
}
