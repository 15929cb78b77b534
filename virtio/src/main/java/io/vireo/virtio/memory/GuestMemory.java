package io.vireo.virtio.memory;

import io.vireo.posix.IoVec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One generation of a guest's memory table: the only way from a number the guest wrote to memory.
 *
 * <p>Immutable but for {@link #release}, and so free for any thread. A changed table is a new generation, which shares
 * the mappings that stay; the old one is released when nothing in flight uses it. Translation allocates nothing.
 */
public final class GuestMemory {
    /** The answer to an address that is not, or not wholly, in one region. */
    public static final long FAULT = -1;

    /** Above what any front-end uses (QEMU offers at most 509 slots). */
    public static final int REGIONS_MAX = 512;

    private static final Comparator<MemoryRegion> BY_GPA = (a, b) -> Long.compareUnsigned(a.gpa(), b.gpa());

    private final List<MemoryRegion> regions;
    private final long[] starts;
    private final long[] sizes;
    private final long[] hosts;
    /** The largest region, looked at first: most buffers are there. */
    private final long largestStart;

    private final long largestSize;
    private final long largestHost;
    private final AtomicBoolean released = new AtomicBoolean();

    private GuestMemory(List<MemoryRegion> sorted) {
        regions = sorted;
        int count = sorted.size();
        starts = new long[count];
        sizes = new long[count];
        hosts = new long[count];
        int largest = -1;
        for (int i = 0; i < count; i++) {
            starts[i] = sorted.get(i).gpa();
            sizes[i] = sorted.get(i).sizeBytes();
            hosts[i] = sorted.get(i).hostAddress();
            if (largest < 0 || sizes[i] > sizes[largest]) largest = i;
        }
        largestStart = largest < 0 ? 0 : starts[largest];
        largestSize = largest < 0 ? 0 : sizes[largest];
        largestHost = largest < 0 ? 0 : hosts[largest];
    }

    /**
     * Takes over one hold of each region's mapping; on an exception the caller keeps them.
     *
     * @throws IllegalArgumentException too many regions, or two that overlap in guest physical addresses
     */
    public static GuestMemory of(List<MemoryRegion> regions) {
        if (regions.size() > REGIONS_MAX) throw new IllegalArgumentException(regions.size() + " memory regions");
        List<MemoryRegion> sorted = regions.stream().sorted(BY_GPA).toList();
        for (int i = 1; i < sorted.size(); i++) {
            MemoryRegion below = sorted.get(i - 1);
            // gpa differences of sorted regions are exact as unsigned numbers
            if (Long.compareUnsigned(sorted.get(i).gpa() - below.gpa(), below.sizeBytes()) < 0) {
                throw new IllegalArgumentException("regions overlap: " + below + ", " + sorted.get(i));
            }
        }
        return new GuestMemory(sorted);
    }

    /** The next generation with one region more, whose hold it takes over; this one stays as it is. */
    public GuestMemory withRegion(MemoryRegion region) {
        List<MemoryRegion> next = new ArrayList<>(regions);
        next.add(region);
        GuestMemory generation = of(next);
        regions.forEach(shared -> shared.mapping().retain());
        return generation;
    }

    /**
     * The next generation without the region that has exactly these numbers; this one stays as it is.
     *
     * @throws IllegalArgumentException there is no such region
     */
    public GuestMemory withoutRegion(long gpa, long userAddress, long sizeBytes) {
        List<MemoryRegion> next = new ArrayList<>(regions);
        boolean found = next.removeIf(region ->
                region.gpa() == gpa && region.userAddress() == userAddress && region.sizeBytes() == sizeBytes);
        if (!found) throw new IllegalArgumentException("no region " + MemoryRegion.hex(gpa) + "+" + sizeBytes);
        GuestMemory generation = of(next);
        next.forEach(shared -> shared.mapping().retain());
        return generation;
    }

    /** The regions by rising guest physical address. */
    public List<MemoryRegion> regions() {
        return regions;
    }

    /** Host address of {@code lengthBytes} bytes, at least 1, that are all in one region, or {@link #FAULT}. */
    public long translate(long gpa, long lengthBytes) {
        // A gpa below the start gives a difference that is negative or, as regions do not wrap, larger than any size.
        long offset = gpa - largestStart;
        if (offset >= 0 && lengthBytes > 0 && lengthBytes <= largestSize - offset) return largestHost + offset;
        return translateInOthers(gpa, lengthBytes);
    }

    private long translateInOthers(long gpa, long lengthBytes) {
        int region = find(gpa);
        if (region < 0) return FAULT;
        long offset = gpa - starts[region];
        return offset >= 0 && lengthBytes > 0 && lengthBytes <= sizes[region] - offset ? hosts[region] + offset : FAULT;
    }

    /** How many bytes from {@code gpa} on are in its region; 0 when it is in none. */
    public long contiguousBytes(long gpa) {
        int region = find(gpa);
        if (region < 0) return 0;
        long offset = gpa - starts[region];
        return offset >= 0 && offset < sizes[region] ? sizes[region] - offset : 0;
    }

    /**
     * Appends the host's buffers of a guest buffer, several when it crosses from one region into the next.
     *
     * @return false when a byte of it is in no region, or {@code out} is full; {@code out} then has a part of it
     */
    public boolean gather(long gpa, long lengthBytes, IoVec out) {
        long at = gpa;
        long rest = lengthBytes;
        while (rest > 0) {
            long piece = Math.min(rest, contiguousBytes(at));
            if (piece == 0 || !out.add(translate(at, piece), piece)) return false;
            at += piece;
            rest -= piece;
        }
        return rest == 0;
    }

    /** The guest physical address of a host address that {@link #translate} answered; {@link #FAULT} for any other. */
    public long gpa(long hostAddress) {
        long offset = hostAddress - largestHost;
        if (offset >= 0 && offset < largestSize) return largestStart + offset;
        for (int i = 0; i < hosts.length; i++) {
            offset = hostAddress - hosts[i];
            if (offset >= 0 && offset < sizes[i]) return starts[i] + offset;
        }
        return FAULT;
    }

    /** The last byte's guest physical address; meaningless without regions. */
    public long lastGpa() {
        int last = starts.length - 1;
        return starts[last] + (sizes[last] - 1);
    }

    /** As {@link #translate}, from the front-end's virtual addresses. Not for the hot path. */
    public long translateUser(long userAddress, long lengthBytes) {
        for (MemoryRegion region : regions) {
            long offset = userAddress - region.userAddress();
            if (offset >= 0 && lengthBytes > 0 && lengthBytes <= region.sizeBytes() - offset) {
                return region.hostAddress() + offset;
            }
        }
        return FAULT;
    }

    /** Lets go of its regions' mappings; only the first call does. No translation of it may be used afterwards. */
    public void release() {
        if (released.compareAndSet(false, true)) regions.forEach(region -> region.mapping().release());
    }

    /** Index of the last region that starts at or below {@code gpa}; -1 when all start above. */
    private int find(long gpa) {
        int low = 0;
        int high = starts.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (Long.compareUnsigned(starts[middle], gpa) <= 0) low = middle + 1;
            else high = middle - 1;
        }
        return high;
    }
}
