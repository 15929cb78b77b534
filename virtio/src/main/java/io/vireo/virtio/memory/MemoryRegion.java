package io.vireo.virtio.memory;

/**
 * One contiguous piece of guest memory and where it is mapped.
 *
 * @param gpa guest physical address, unsigned 64 bits
 * @param userAddress the front-end's virtual address of the same bytes, in which vhost-user gives ring addresses
 * @param hostAddress address in this process
 * @param mapping what keeps {@code hostAddress} valid
 * @throws IllegalArgumentException no bytes, or an end past the end of an address space
 */
public record MemoryRegion(long gpa, long userAddress, long sizeBytes, long hostAddress, SharedMapping mapping) {
    public MemoryRegion {
        if (sizeBytes <= 0) throw new IllegalArgumentException("region of " + sizeBytes + " bytes");
        if (wraps(gpa, sizeBytes)) {
            throw new IllegalArgumentException("region wraps: " + hex(gpa) + "+" + hex(sizeBytes));
        }
        if (wraps(userAddress, sizeBytes)) {
            throw new IllegalArgumentException("region wraps: user " + hex(userAddress) + "+" + hex(sizeBytes));
        }
        // A host address is never negative on Linux, which is why a negative translation can mean a fault.
        if (hostAddress <= 0 || hostAddress > Long.MAX_VALUE - sizeBytes) {
            throw new IllegalArgumentException("host address " + hex(hostAddress));
        }
    }

    private static boolean wraps(long start, long sizeBytes) {
        return Long.compareUnsigned(start + (sizeBytes - 1), start) < 0;
    }

    static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    @Override
    public String toString() {
        return "gpa " + hex(gpa) + "+" + hex(sizeBytes);
    }
}
