package io.vireo.actors.monitor;

import static io.vireo.monitoring.qmp.QmpMessage.ordered;

import io.vireo.actors.device.ErrorPolicy;
import io.vireo.actors.device.IoError;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.posix.Errno;
import io.vireo.storage.node.Operation;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * One device's BLOCK_IO_ERROR events, with QEMU's members. A guest can provoke failures as fast as it likes: of those
 * that do not stop the device one a second is told.
 *
 * <p>Thread: the device's IOThreads.
 */
public final class IoErrorEvents implements Consumer<IoError> {
    private static final long PAUSE_NANOS = 1_000_000_000L;

    private final DeviceHost host;
    private final BiConsumer<String, Map<String, Object>> sink;
    private long toldNanos = System.nanoTime() - PAUSE_NANOS;

    /** @param sink takes an event's name and data, and does not wait */
    public IoErrorEvents(DeviceHost host, BiConsumer<String, Map<String, Object>> sink) {
        this.host = host;
        this.sink = sink;
    }

    @Override
    public void accept(IoError error) {
        if (error.action() != ErrorPolicy.Action.STOP && !isDue(System.nanoTime())) return;
        sink.accept("BLOCK_IO_ERROR", ordered(
                "device", host.name(),
                "node-name", host.config().drive(),
                "operation", error.operation() == Operation.READ ? "read" : "write",
                "action", error.action().name().toLowerCase(Locale.ROOT),
                "nospace", error.noSpace(),
                "reason", Errno.describe(error.errno())));
    }

    private synchronized boolean isDue(long nowNanos) {
        if (nowNanos - toldNanos < PAUSE_NANOS) return false;
        toldNanos = nowNanos;
        return true;
    }
}
