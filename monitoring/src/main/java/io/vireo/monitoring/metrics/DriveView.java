package io.vireo.monitoring.metrics;

import java.util.OptionalLong;

/** One block node as a scrape sees it. Thread: any. */
public interface DriveView {
    /** Unique among the drives. */
    String nodeName();

    String driver();

    /** The engine in use, not the one asked for: {@code io_uring}, {@code native}, {@code threads}, or {@code none} without a file. */
    String aio();

    /** The cache mode in use, in one word: {@code writeback}, {@code direct}, {@code no-flush} ... */
    String cache();

    /** Bytes of reads that the host's page cache answered at once; empty without a file. */
    OptionalLong cacheReadBytes();

    /** Bytes of reads that were handed to the engine; empty without a file. */
    OptionalLong engineReadBytes();
}
