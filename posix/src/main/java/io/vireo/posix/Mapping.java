package io.vireo.posix;

import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory from mmap(2), with one owner who unmaps it when neither our code nor the kernel uses it. Unmapping again does
 * nothing; the address is dead afterwards, and nothing checks that.
 */
public final class Mapping implements AutoCloseable {
    private static final MethodHandle MMAP =
            Libc.link("mmap", Libc.LONG, Libc.LONG, Libc.LONG, Libc.INT, Libc.INT, Libc.INT, Libc.LONG);
    private static final MethodHandle MUNMAP = Libc.link("munmap", Libc.INT, Libc.LONG, Libc.LONG);
    private static final MethodHandle MADVISE = Libc.link("madvise", Libc.INT, Libc.LONG, Libc.LONG, Libc.INT);
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE = 2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_DONTDUMP = 16;

    private final long start;
    private final long mappedBytes;
    private final long address;
    private final long sizeBytes;
    private final AtomicBoolean unmapped = new AtomicBoolean();

    private Mapping(long start, long mappedBytes, long address, long sizeBytes) {
        this.start = start;
        this.mappedBytes = mappedBytes;
        this.address = address;
        this.sizeBytes = sizeBytes;
    }

    /**
     * Maps {@code sizeBytes} of a file from {@code offset} on, which need not be a multiple of the page size. The
     * descriptor may be closed afterwards. Whether the file reaches that far is not asked: touching a page behind its
     * end raises {@link InternalError}.
     */
    public static Mapping shared(Fd fd, long offset, long sizeBytes, boolean writable) {
        // munmap of huge pages wants whole ones, which is why the unit is the file's and not the machine's.
        long unit = PosixFile.mappingUnitBytes(fd);
        if (offset < 0 || sizeBytes <= 0 || sizeBytes > Long.MAX_VALUE - offset - unit) {
            throw new IllegalArgumentException("offset=" + offset + " sizeBytes=" + sizeBytes);
        }
        long lead = offset % unit;
        long mappedBytes = (lead + sizeBytes + unit - 1) / unit * unit;
        int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
        long start = map(mappedBytes, protection, MAP_SHARED, fd.number(), offset - lead);
        return new Mapping(start, mappedBytes, start + lead, sizeBytes);
    }

    /** Zeroed memory of this process alone. */
    public static Mapping anonymous(long sizeBytes) {
        if (sizeBytes <= 0) throw new IllegalArgumentException("sizeBytes=" + sizeBytes);
        long start = map(sizeBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return new Mapping(start, sizeBytes, start, sizeBytes);
    }

    public long address() {
        return address;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /** Keeps a guest's memory out of our core dumps. */
    public void dontDump() {
        advise("MADV_DONTDUMP", start, mappedBytes, MADV_DONTDUMP);
    }

    /** Makes a part of {@link #anonymous} memory zeroes; its whole pages go back to the system until they are touched. */
    public void zero(long offset, long lengthBytes) {
        long from = address + offset;
        long end = from + lengthBytes;
        long firstPage = Math.min(end, (from + Machine.PAGE_BYTES - 1) & -Machine.PAGE_BYTES);
        long lastPage = Math.max(firstPage, end & -Machine.PAGE_BYTES);
        Memory.zero(from, firstPage - from);
        if (lastPage > firstPage) advise("MADV_DONTNEED", firstPage, lastPage - firstPage, MADV_DONTNEED);
        Memory.zero(lastPage, end - lastPage);
    }

    private static void advise(String name, long from, long lengthBytes, int advice) {
        try {
            Libc.check("madvise", name, (int) MADVISE.invokeExact(Libc.errnoSegment(), from, lengthBytes, advice));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    @Override
    public void close() {
        if (!unmapped.compareAndSet(false, true)) return;
        try {
            Libc.check("munmap", "", (int) MUNMAP.invokeExact(Libc.errnoSegment(), start, mappedBytes));
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }

    private static long map(long sizeBytes, int protection, int flags, int fd, long offset) {
        try {
            long start = (long) MMAP.invokeExact(Libc.errnoSegment(), 0L, sizeBytes, protection, flags, fd, offset);
            // Addresses of user space are positive; MAP_FAILED is -1.
            return Libc.check("mmap", sizeBytes + " bytes at " + offset + " of fd " + fd, start);
        } catch (Throwable e) {
            throw Libc.bug(e);
        }
    }
}
