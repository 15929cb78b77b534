package io.vireo.virtio.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.Mapping;
import io.vireo.posix.PosixException;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.vhostuser.VhostUserException.Fault;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory a front-end has shared, mapped. Immutable: a change is a new table, which shares the mappings that stay.
 * Each table holds its mappings until it is closed, apart from the generations made of it.
 */
final class MemoryTable implements AutoCloseable {
    /** As many as QEMU can use (KVM's slots less a few of its own). */
    static final int SLOTS_MAX = 509;

    private final GuestMemory memory;

    private MemoryTable(GuestMemory memory) {
        this.memory = memory;
    }

    static MemoryTable empty() {
        return new MemoryTable(GuestMemory.of(List.of()));
    }

    boolean isEmpty() {
        return memory.regions().isEmpty();
    }

    /** Maps each region from the descriptor at its position; the descriptors stay the caller's. */
    static MemoryTable of(List<RegionDescription> descriptions, List<Fd> files) {
        List<MemoryRegion> regions = new ArrayList<>();
        try {
            for (int i = 0; i < descriptions.size(); i++) regions.add(map(descriptions.get(i), files.get(i)));
            return new MemoryTable(GuestMemory.of(regions));
        } catch (VhostUserException | IllegalArgumentException e) {
            regions.forEach(region -> region.mapping().release());
            throw refusal(e);
        }
    }

    MemoryTable with(RegionDescription description, Fd file) {
        if (memory.regions().size() >= SLOTS_MAX)
            throw new VhostUserException(Fault.MEMORY_SLOTS, "all " + SLOTS_MAX + " memory slots are taken");
        MemoryRegion region = map(description, file);
        try {
            return new MemoryTable(memory.withRegion(region));
        } catch (IllegalArgumentException e) {
            region.mapping().release();
            throw refusal(e);
        }
    }

    /** Without the region of that gpa, user address and size; the file offset does not count. */
    MemoryTable without(RegionDescription region) {
        try {
            return new MemoryTable(memory.withoutRegion(region.gpa(), region.userAddress(), region.sizeBytes()));
        } catch (IllegalArgumentException e) {
            throw refusal(e);
        }
    }

    /** Whether the log has a bit for every page of it. */
    boolean isCoveredBy(DirtyLog log) {
        return isEmpty() || log.covers(memory.lastGpa(), 1);
    }

    /** A generation for the back-end to keep, with holds of its own. */
    GuestMemory generation() {
        memory.regions().forEach(region -> region.mapping().retain());
        return GuestMemory.of(memory.regions());
    }

    /** @throws VhostUserException an area of the vring is not wholly in one region, or not aligned */
    VirtqueueAreas translate(VringAddresses vring, RingFormat format, int size) {
        try {
            return format.locate(size, vring.descriptor(), vring.available(), vring.used(), this::translate);
        } catch (IllegalArgumentException e) {
            throw new VhostUserException(Fault.VRING_ADDRESS, e.getMessage());
        }
    }

    /** The guest physical address of one of the front-end's virtual addresses, which is shared. */
    long gpa(long userAddress) {
        return memory.gpa(memory.translateUser(userAddress, 1));
    }

    private long translate(String area, long userAddress, long lengthBytes) {
        long address = memory.translateUser(userAddress, lengthBytes);
        if (address == GuestMemory.FAULT) {
            throw new VhostUserException(Fault.VRING_ADDRESS,
                    "%s 0x%x+%d is outside the shared memory".formatted(area, userAddress, lengthBytes));
        }
        return address;
    }

    /**
     * The file must reach as far as the region says: what lies behind its end cannot be touched, and a front-end that
     * says otherwise is wrong now rather than when the guest gets there.
     */
    private static MemoryRegion map(RegionDescription region, Fd file) {
        FileStatus status = SharedFile.accept("memory", file);
        // as both are at least 0, the difference cannot overflow
        if (region.sizeBytes() <= 0 || region.mmapOffset() < 0
                || region.sizeBytes() > status.sizeBytes() - region.mmapOffset()) {
            throw new VhostUserException(Fault.MEMORY_REGION,
                    "%s is not in its file of 0x%x bytes".formatted(region, status.sizeBytes()));
        }
        Mapping mapping;
        try {
            mapping = Mapping.shared(file, region.mmapOffset(), region.sizeBytes(), true);
        } catch (PosixException | IllegalArgumentException e) {
            throw new VhostUserException(Fault.MEMORY_REGION, region + ": " + e.getMessage());
        }
        try {
            mapping.dontDump();
            return new MemoryRegion(region.gpa(), region.userAddress(), region.sizeBytes(), mapping.address(),
                    SharedMapping.of(mapping::close));
        } catch (PosixException | IllegalArgumentException e) {
            mapping.close();
            throw new VhostUserException(Fault.MEMORY_REGION, region + ": " + e.getMessage());
        }
    }

    private static VhostUserException refusal(RuntimeException e) {
        return e instanceof VhostUserException refused
                ? refused
                : new VhostUserException(Fault.MEMORY_REGION, e.getMessage());
    }

    @Override
    public void close() {
        memory.release();
    }
}
