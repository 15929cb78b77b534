package io.vireo.embed;

import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.Mapping;
import io.vireo.posix.PosixFile;
import io.vireo.posix.SegmentHold;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.memory.SharedMapping;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongFunction;

/**
 * One contiguous range of guest physical addresses and the memory behind it. It holds nothing itself: a device maps it,
 * or keeps it alive, from {@link VirtioBlkDevice#setMemory} on until it is replaced, reset or closed.
 */
public final class GuestRam {
    private final String name;
    private final LongFunction<Mapped> mapper;
    private final long gpa;

    /** What a device has of it. {@code gone} completes when nothing uses it any more. */
    record Mapped(MemoryRegion region, CompletableFuture<Void> gone) {}

    private GuestRam(String name, long gpa, LongFunction<Mapped> mapper) {
        this.name = name;
        this.gpa = gpa;
        this.mapper = mapper;
    }

    /**
     * Memory in a file (memfd, hugetlbfs, tmpfs) that the VMM maps as well. The recommended kind: the device has a
     * mapping of its own, kept out of core dumps, so that nothing the VMM does with its own can take it away.
     *
     * @param fd open for reading and writing; needed until {@code setMemory} has returned
     * @param offset where in the file the range begins
     */
    public static GuestRam ofFd(int fd, long offset, long sizeBytes, long gpa) {
        return new GuestRam("fd " + fd, gpa, at -> mapped(fd, offset, sizeBytes, at));
    }

    /**
     * Memory that the VMM has as a segment: of a shared arena, which then cannot be closed before the device gave the
     * memory back ({@code Arena.close} throws), or of the automatic or the global one.
     *
     * <p>{@code setMemory} refuses segments on the heap, read-only ones, and those of a confined arena.
     */
    public static GuestRam ofSegment(MemorySegment segment, long gpa) {
        return new GuestRam("segment", gpa, at -> held(segment, at));
    }

    Mapped map() {
        return mapper.apply(gpa);
    }

    private static Mapped mapped(int fd, long offset, long sizeBytes, long gpa) {
        try (Fd file = Fd.duplicateOf(fd)) {
            FileStatus status = PosixFile.status(file);
            // Touching a page behind the end of the file would fail only when the guest gets there.
            if (status.kind() != FileStatus.Kind.REGULAR || offset < 0 || sizeBytes <= 0
                    || sizeBytes > status.sizeBytes() - offset) {
                throw new IllegalArgumentException("guest memory of 0x%x bytes from 0x%x on is not in fd %d, %s of 0x%x bytes"
                        .formatted(sizeBytes, offset, fd, status.kind(), status.sizeBytes()));
            }
            Mapping mapping = Mapping.shared(file, offset, sizeBytes, true);
            try {
                mapping.dontDump();
                return region(gpa, sizeBytes, mapping.address(), mapping::close);
            } catch (RuntimeException e) {
                mapping.close();
                throw e;
            }
        }
    }

    private static Mapped held(MemorySegment segment, long gpa) {
        SegmentHold hold = SegmentHold.of(segment);
        try {
            return region(gpa, hold.sizeBytes(), hold.address(), hold::close);
        } catch (RuntimeException e) {
            hold.close();
            throw e;
        }
    }

    private static Mapped region(long gpa, long sizeBytes, long address, Runnable unmap) {
        CompletableFuture<Void> gone = new CompletableFuture<>();
        SharedMapping mapping = SharedMapping.of(() -> {
            unmap.run();
            gone.complete(null);
        });
        // There is no front-end with addresses of its own.
        return new Mapped(new MemoryRegion(gpa, gpa, sizeBytes, address, mapping), gone);
    }

    @Override
    public String toString() {
        return name + " at gpa 0x" + Long.toHexString(gpa);
    }
}
