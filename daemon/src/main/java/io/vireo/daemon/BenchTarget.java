package io.vireo.daemon;

import io.vireo.virtio.driver.DriverTransport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What `bench` drives, and what it can learn about its costs. */
interface BenchTarget extends AutoCloseable {
    /** The disks, in the order in which they were named. */
    List<DriverTransport> transports();

    /** Processor time that the side measured has used so far, in nanoseconds. */
    long cpuNanos();

    /** The processes that do the I/O. */
    List<Long> pids();

    /** Done when the side measured ended the connection; never, where there is none. */
    default CompletableFuture<Void> gone() {
        return new CompletableFuture<>();
    }

    @Override
    void close();

    /** Bytes that the processes have fetched from storage devices so far; -1 where that is not to be seen. */
    default long deviceReadBytes() {
        long sum = 0;
        for (long pid : pids()) {
            long bytes = deviceReadBytes(pid);
            if (bytes < 0) return -1;
            sum += bytes;
        }
        return sum;
    }

    private static long deviceReadBytes(long pid) {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/io"))) {
                if (line.startsWith("read_bytes: ")) return Long.parseLong(line.substring("read_bytes: ".length()));
            }
        } catch (IOException e) {
            // Another user's process: not to be seen.
        }
        return -1;
    }
}
