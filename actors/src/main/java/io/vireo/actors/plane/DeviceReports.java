package io.vireo.actors.plane;

import io.vireo.actors.device.DeviceListener;
import io.vireo.actors.device.ErrorPolicy;
import io.vireo.actors.device.IoError;
import io.vireo.config.DeviceConfig;
import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.monitoring.metrics.Reason;
import io.vireo.posix.Errno;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.queue.VirtqueueBroken;
import java.util.Locale;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What goes wrong with a configured device, told to its log and to those who asked. Thread: its IOThreads; any to ask. */
final class DeviceReports implements DeviceListener {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceHost.class);

    private final DeviceConfig config;
    private final RateLimitedLog log;
    private final LongAdder reportedErrors = new LongAdder();
    private volatile Runnable onFailure = () -> {};
    private volatile Runnable onVirtqueueBroken = () -> {};
    private volatile Consumer<IoError> onIoError = _ -> {};
    private volatile boolean failed;

    DeviceReports(DeviceConfig config) {
        this.config = config;
        log = new RateLimitedLog(LOG, config.name(), config.labels());
    }

    void onFailure(Runnable listener) {
        onFailure = listener;
    }

    void onVirtqueueBroken(Runnable listener) {
        onVirtqueueBroken = listener;
    }

    void onIoError(Consumer<IoError> listener) {
        onIoError = listener;
    }

    RateLimitedLog log() {
        return log;
    }

    /** It has failed, and no driver has opened it anew. */
    boolean hasFailed() {
        return failed;
    }

    void opened() {
        failed = false;
    }

    long reportedErrors() {
        return reportedErrors.sum();
    }

    @Override
    public void virtqueueBroken(int queue, VirtqueueBroken reason) {
        log.warn(System.nanoTime(), "virtqueue-broken", "virtqueue {} is broken: {}", queue, reason.getMessage());
        onVirtqueueBroken.run();
    }

    @Override
    public void requestFailed(int queue, int type, long offsetBytes, int reason, int errno) {
        String kind = Reason.label(reason);
        log.warn(System.nanoTime(), kind, "request {} at byte {} on virtqueue {} failed: {}",
                BlkLayout.typeName(type), offsetBytes, queue, errno == 0 ? kind : Errno.describe(errno));
    }

    @Override
    public void ioError(IoError error) {
        if (error.action() == ErrorPolicy.Action.STOP) {
            log.error(System.nanoTime(), "io-error", "stopped: a {} at byte {} on virtqueue {} of drive {} failed: {}; mend that,"
                    + " then resume the device", error.operation().name().toLowerCase(Locale.ROOT), error.offsetBytes(),
                    error.queue(), config.drive(), Errno.describe(error.errno()));
        }
        if (error.action() == ErrorPolicy.Action.REPORT) reportedErrors.increment();
        onIoError.accept(error);
    }

    @Override
    public void failed(Throwable reason) {
        failed = true;
        LOG.error("device {} has failed and serves nothing until its driver resets it", config.name(), reason);
        onFailure.run();
    }
}
