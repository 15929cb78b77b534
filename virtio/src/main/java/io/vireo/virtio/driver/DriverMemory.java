package io.vireo.virtio.driver;

import io.vireo.posix.Fd;
import io.vireo.posix.Mapping;
import io.vireo.posix.Memfd;
import java.util.ArrayList;
import java.util.List;

/**
 * A guest's RAM: shared files of its own, mapped here, with guest physical addresses that are nowhere equal to an
 * address or offset of the host, so that confusing the three is noticed. Ranges are handed out and never taken back.
 * Thread: one; the addresses may be used by any.
 */
public final class DriverMemory implements AutoCloseable {
    /** Where the first region begins. */
    public static final long GPA_BASE = 0x4000_0000L;

    /** Between two regions there is at least this much that belongs to none. */
    private static final long HOLE_BYTES = 0x1000_0000L;

    /** One region: what a front-end tells about it. The descriptor stays this memory's. */
    public record Region(long gpa, long sizeBytes, Fd fd, long fdOffset, long userAddress) {}

    private final List<Region> regions = new ArrayList<>();
    private final List<Mapping> mappings = new ArrayList<>();
    private final long[] usedBytes;

    private DriverMemory(int regionCount) {
        usedBytes = new long[regionCount];
    }

    /** Memory of one region or several, each of its own size and with its own memfd. */
    public static DriverMemory create(long... regionBytes) {
        return onMemfds(0, regionBytes);
    }

    /** As {@link #create}, with {@link Memfd#MFD_HUGETLB} and such. */
    public static DriverMemory onMemfds(int memfdFlags, long... regionBytes) {
        List<Fd> files = new ArrayList<>();
        try {
            for (long size : regionBytes) files.add(Memfd.create("vireo-driver", size, memfdFlags));
        } catch (RuntimeException e) {
            files.forEach(Fd::close);
            throw e;
        }
        return over(files, 0, regionBytes);
    }

    /** Memory over files that the caller opened and sized, which this memory closes; each is used from {@code fdOffset}. */
    public static DriverMemory over(List<Fd> files, long fdOffset, long... regionBytes) {
        if (regionBytes.length == 0 || regionBytes.length != files.size())
            throw new IllegalArgumentException(files.size() + " files for " + regionBytes.length + " regions");
        DriverMemory memory = new DriverMemory(regionBytes.length);
        long gpa = GPA_BASE;
        try {
            for (int i = 0; i < regionBytes.length; i++) {
                Mapping mapping = Mapping.shared(files.get(i), fdOffset, regionBytes[i], true);
                memory.mappings.add(mapping);
                memory.regions.add(new Region(gpa, regionBytes[i], files.get(i), fdOffset, mapping.address()));
                gpa += (regionBytes[i] + HOLE_BYTES - 1) / HOLE_BYTES * HOLE_BYTES + HOLE_BYTES;
            }
        } catch (RuntimeException e) {
            memory.mappings.forEach(Mapping::close);
            files.forEach(Fd::close);
            throw e;
        }
        return memory;
    }

    public List<Region> regions() {
        return List.copyOf(regions);
    }

    /**
     * Takes a zeroed range wholly inside one region, the one with the most room left, so that what is allocated spreads
     * over all of them.
     *
     * @return its gpa
     */
    public long allocate(long lengthBytes, long alignmentBytes) {
        int best = 0;
        for (int i = 1; i < usedBytes.length; i++) if (roomBytes(i) > roomBytes(best)) best = i;
        long start = (usedBytes[best] + alignmentBytes - 1) / alignmentBytes * alignmentBytes;
        Region region = regions.get(best);
        if (lengthBytes > region.sizeBytes() - start)
            throw new IllegalStateException("guest memory is full: no room for " + lengthBytes + " bytes");
        usedBytes[best] = start + lengthBytes;
        return region.gpa() + start;
    }

    /** The address here of a gpa that {@link #allocate} answered or that lies in a range it answered. */
    public long address(long gpa) {
        for (Region region : regions) {
            long offset = gpa - region.gpa();
            if (offset >= 0 && offset < region.sizeBytes()) return region.userAddress() + offset;
        }
        throw new IllegalArgumentException("gpa 0x%x is in no region".formatted(gpa));
    }

    @Override
    public void close() {
        mappings.forEach(Mapping::close);
        regions.forEach(region -> region.fd().close());
    }

    private long roomBytes(int index) {
        return regions.get(index).sizeBytes() - usedBytes[index];
    }
}
