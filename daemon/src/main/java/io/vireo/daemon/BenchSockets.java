package io.vireo.daemon;

import io.vireo.virtio.driver.DriverTransport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Disks of vhost-user-blk back-ends, of one process or of several. */
final class BenchSockets implements BenchTarget {
    private final List<BenchSocket> sockets = new ArrayList<>();
    private final List<Long> pids;
    private final CompletableFuture<Void> gone;

    BenchSockets(List<Path> paths, int queues, boolean packed, long memoryBytes) {
        try {
            for (Path path : paths) sockets.add(new BenchSocket(path, queues, packed, memoryBytes));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
        pids = sockets.stream().map(BenchSocket::pid).distinct().toList();
        gone = CompletableFuture.anyOf(sockets.stream().map(BenchSocket::gone).toArray(CompletableFuture[]::new))
                .thenAccept(_ -> {});
    }

    @Override
    public List<DriverTransport> transports() {
        return sockets.stream().map(BenchSocket::transport).toList();
    }

    @Override
    public long cpuNanos() {
        return pids.stream().mapToLong(pid -> ProcessHandle.of(pid).flatMap(process -> process.info().totalCpuDuration())
                .orElse(Duration.ZERO).toNanos()).sum();
    }

    @Override
    public List<Long> pids() {
        return pids;
    }

    @Override
    public CompletableFuture<Void> gone() {
        return gone;
    }

    @Override
    public void close() {
        sockets.forEach(BenchSocket::close);
    }
}
