package com.example.vmm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The guest's memory: one file without a name, of which one part is below the devices and the rest above 4 GiB. */
final class Ram implements AutoCloseable {
    /** A part of the file, and where the guest has it. */
    record Part(long gpa, long offset, long sizeBytes) {}

    final int fd;
    private final long sizeBytes;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment all;

    Ram(long sizeBytes) {
        this.sizeBytes = sizeBytes;
        fd = Libc.memfd("guest-memory", sizeBytes);
        all = Libc.map(fd, sizeBytes, arena);
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** The memory at address 0, without a hole. */
    MemorySegment low() {
        return all.asSlice(0, Math.min(sizeBytes, Board.RAM_LOW_END));
    }

    List<Part> parts() {
        List<Part> parts = new ArrayList<>();
        parts.add(new Part(0, 0, low().byteSize()));
        if (sizeBytes > Board.RAM_LOW_END) {
            parts.add(new Part(Board.RAM_HIGH, Board.RAM_LOW_END, sizeBytes - Board.RAM_LOW_END));
        }
        return parts;
    }

    MemorySegment segment(Part part) {
        return all.asSlice(part.offset(), part.sizeBytes());
    }

    /** Writes it to a new file, in which what nobody has touched takes no room. */
    void save(Path file) {
        int to = Libc.create(file.toString(), sizeBytes);
        try {
            copyData(fd, to);
            Libc.sync(to);
        } finally {
            Libc.close(to);
        }
    }

    /** Reads what {@link #save} has written into this memory, which is new. */
    void load(Path file) {
        int from = Libc.openToRead(file.toString());
        try {
            copyData(from, fd);
        } finally {
            Libc.close(from);
        }
    }

    /** All but the holes of a file, to the same places. */
    private static void copyData(int from, int to) {
        for (long at = Libc.nextData(from, 0); at >= 0; at = Libc.nextData(from, at)) {
            long end = Libc.nextHole(from, at);
            Libc.seek(to, at);
            while (at < end) at += Libc.sendFile(to, from, at, end - at);
        }
    }

    @Override
    public void close() {
        arena.close();
        Libc.close(fd);
    }
}
