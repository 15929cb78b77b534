package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;

/** A memory region and the file it came in, kept for a process that goes on with the session. Owns the file. */
record SharedRegion(RegionDescription region, Fd file) implements AutoCloseable {
    /** Whether REM_MEM_REG with that region means this one; the file offset does not count. */
    boolean isMeantBy(RegionDescription other) {
        return region.gpa() == other.gpa() && region.userAddress() == other.userAddress()
                && region.sizeBytes() == other.sizeBytes();
    }

    @Override
    public void close() {
        file.close();
    }
}
