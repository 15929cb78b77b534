package io.vireo.storage.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel publishes about the queue of a block device, or of the one that a file system lies on. */
final class BlockQueue {
    private final Path folder;

    BlockQueue(Path folder) {
        this.folder = folder;
    }

    /** The queue of the device with this number; of the whole disk when it is a partition. */
    static BlockQueue of(long device) {
        long major = ((device >>> 8) & 0xFFF) | ((device >>> 32) & ~0xFFFL);
        long minor = (device & 0xFF) | ((device >>> 12) & ~0xFFL);
        Path node = Path.of("/sys/dev/block", major + ":" + minor);
        Path own = node.resolve("queue");
        return new BlockQueue(Files.isDirectory(own) ? own : node.resolve("../queue"));
    }

    /** An attribute by its file name, or the default where the kernel says nothing (no such disk, no sysfs). */
    long attribute(String name, long otherwise) {
        try {
            return Long.parseLong(word(name, ""));
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    /** What buffers of direct I/O are to be aligned to: a block where the kernel does not say, as before 6.0; 0: not known. */
    int memoryAlignmentBytes() {
        return (int) attribute("dma_alignment", attribute("logical_block_size", 0) - 1) + 1;
    }

    /** As {@link #attribute}, of one that is a word. */
    String word(String name, String otherwise) {
        try {
            return Files.readString(folder.resolve(name)).trim();
        } catch (IOException e) {
            return otherwise;
        }
    }

    /** What the disk that the queue belongs to tells of its wear. */
    DeviceLifetime lifetime() {
        return new DeviceLifetime(folder.resolve("../device"));
    }
}
