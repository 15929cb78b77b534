package com.example.vmm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** The guest's memory: one file without a name, of which one part is below the devices and the rest above 4 GiB. */
final class Ram implements AutoCloseable {
    private static final int CHUNK_BYTES = 1 << 20;

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

    /** Writes it to a file, in which what is zero takes no room. */
    void save(Path file) throws IOException {
        MemorySegment zeroes = Arena.ofAuto().allocate(CHUNK_BYTES);
        try (FileChannel out = FileChannel.open(
                file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW, StandardOpenOption.SPARSE)) {
            for (long at = 0; at < sizeBytes; at += CHUNK_BYTES) {
                MemorySegment chunk = all.asSlice(at, Math.min(CHUNK_BYTES, sizeBytes - at));
                if (chunk.mismatch(zeroes.asSlice(0, chunk.byteSize())) < 0) continue;
                ByteBuffer bytes = chunk.asByteBuffer();
                while (bytes.hasRemaining()) out.write(bytes, at + bytes.position());
            }
            out.force(true);
        }
    }

    /** Reads what {@link #save} has written into this memory, which is new. */
    void load(Path file) {
        try (FileChannel in = FileChannel.open(file)) {
            long length = in.size();
            ByteBuffer bytes = ByteBuffer.allocateDirect(CHUNK_BYTES);
            MemorySegment chunk = MemorySegment.ofBuffer(bytes);
            MemorySegment zeroes = Arena.ofAuto().allocate(CHUNK_BYTES);
            for (long at = 0; at < length; at += CHUNK_BYTES) {
                bytes.clear();
                while (bytes.hasRemaining() && in.read(bytes, at + bytes.position()) > 0) { }
                // Memory that nobody touches is memory that the host has not to find.
                if (chunk.mismatch(zeroes) < 0) continue;
                MemorySegment.copy(chunk, 0, all, at, bytes.position());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        arena.close();
        Libc.close(fd);
    }
}
