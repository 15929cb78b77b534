package io.vireo.virtio.vhostuser;

import java.nio.ByteBuffer;

/** One memory region as a front-end describes it: nothing checked, all four numbers unsigned. */
record RegionDescription(long gpa, long sizeBytes, long userAddress, long mmapOffset) {
    static RegionDescription read(byte[] payload, int at) {
        return new RegionDescription(
                Payload.i64(payload, at + VhostUserLayout.REGION_GUEST_ADDRESS),
                Payload.i64(payload, at + VhostUserLayout.REGION_SIZE),
                Payload.i64(payload, at + VhostUserLayout.REGION_USER_ADDRESS),
                Payload.i64(payload, at + VhostUserLayout.REGION_MMAP_OFFSET));
    }

    /** As {@link #read} reads it. */
    void write(ByteBuffer to) {
        to.putLong(gpa).putLong(sizeBytes).putLong(userAddress).putLong(mmapOffset);
    }

    @Override
    public String toString() {
        return "region gpa 0x%x+0x%x, user address 0x%x, file offset 0x%x".formatted(gpa, sizeBytes, userAddress, mmapOffset);
    }
}
