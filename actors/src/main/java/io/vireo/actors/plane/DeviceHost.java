package io.vireo.actors.plane;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.device.Conduct;
import io.vireo.actors.device.Device;
import io.vireo.actors.device.DeviceListener;
import io.vireo.actors.device.ErrorPolicy;
import io.vireo.actors.device.IoError;
import io.vireo.actors.device.Intake;
import io.vireo.actors.iothread.IoThread;
import io.vireo.config.DeviceConfig;
import io.vireo.config.ErrorPolicyConfig;
import io.vireo.config.RingFeature;
import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.monitoring.metrics.DeviceView;
import io.vireo.monitoring.metrics.Reason;
import io.vireo.posix.Errno;
import io.vireo.posix.EventFd;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.virtio.blk.BlkConfigSpace;
import io.vireo.virtio.blk.BlkFeatures;
import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.blk.BlkProperties;
import io.vireo.virtio.blk.BlkState;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueBroken;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A configured device for as long as it is configured: its features, its configuration space and its counters stay
 * while drivers come and go. A {@link Device} lives inside it from a driver's first memory to its reset.
 *
 * <p>Thread: virtio's side by one transport thread at a time; the {@link DeviceView} by any.
 */
public final class DeviceHost implements DeviceView, DeviceListener {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceHost.class);
    private static final long HANGING_NANOS = 100_000_000;

    private final ActorSystem<?> system;
    private final DeviceConfig config;
    private final BlockNode node;
    private final List<IoThread> ioThreadOfQueue;
    private final Executor blocking;
    private final long drainNanosMax;
    private volatile BlkProperties properties;
    private final BlkConfigSpace configSpace;
    private final long offered;
    private final RateLimitedLog log;
    private final Map<IoThread, DeviceCounters> counters = new ConcurrentHashMap<>();
    private final Intake intake = new Intake();
    private volatile Device device;
    /** Given up at a reset, with requests that have not come back. */
    private final List<Device> lost = new CopyOnWriteArrayList<>();
    private volatile Throwable failure;
    private volatile BooleanSupplier connected = () -> false;
    private long accepted;
    private DirtyLog dirtyLog;
    /** A queue did not stop in time: until the reset, its device's others are not waited for as long once more. */
    private boolean hangs;
    private Runnable onFailure = () -> {};
    private volatile Consumer<IoError> onIoError = _ -> {};
    private final LongAdder reportedErrors = new LongAdder();
    private final Object draining = new Object();
    /** A device that is being opened gets the old size or the new one, and is told of the latter. */
    private final Object resizing = new Object();
    private volatile Runnable onConfigChange = () -> {};

    /**
     * @param ioThreadOfQueue who serves each virtqueue
     * @param blocking where memory is unmapped
     * @param drainNanosMax how long a reset waits for what is in flight
     */
    public DeviceHost(
            ActorSystem<?> system,
            DeviceConfig config,
            BlockNode node,
            List<IoThread> ioThreadOfQueue,
            Executor blocking,
            long drainNanosMax) {
        this.system = system;
        this.config = config;
        this.node = node;
        this.ioThreadOfQueue = List.copyOf(ioThreadOfQueue);
        this.blocking = blocking;
        this.drainNanosMax = drainNanosMax;
        properties = DeviceProperties.of(config, node, ioThreadOfQueue.size());
        configSpace = new BlkConfigSpace(properties);
        offered = BlkFeatures.offered(properties,
                config.queues().features().stream().mapToLong(DeviceHost::bitOf).reduce(0, (a, b) -> a | b));
        log = new RateLimitedLog(LOG, config.name(), config.labels());
        for (IoThread ioThread : ioThreadOfQueue) {
            counters.computeIfAbsent(ioThread, _ -> new DeviceCounters(ioThreadOfQueue.size()));
        }
    }

    private static long bitOf(RingFeature feature) {
        return switch (feature) {
            case PACKED -> VirtqueueLayout.F_RING_PACKED;
            case IN_ORDER -> VirtqueueLayout.F_IN_ORDER;
            case EVENT_IDX -> VirtqueueLayout.RING_F_EVENT_IDX;
            case INDIRECT_DESC -> VirtqueueLayout.RING_F_INDIRECT_DESC;
            case QUEUE_RESET -> VirtqueueLayout.F_RING_RESET;
        };
    }

    /** Told, on an IOThread, when the device failed and serves nothing until its driver resets it. */
    public void onFailure(Runnable listener) {
        onFailure = listener;
    }

    /** Told, on an IOThread, of requests that the drive has failed, as {@link DeviceListener#ioError} is. */
    public void onIoError(Consumer<IoError> listener) {
        onIoError = listener;
    }

    public DeviceConfig config() {
        return config;
    }

    public BlkProperties properties() {
        return properties;
    }

    public long offeredFeatures() {
        return offered;
    }

    /** @throws IllegalArgumentException a bit that was not offered, or too few for a host-managed zoned disk */
    public void acceptFeatures(long features) {
        BlkFeatures.checkAccepted(offered, features);
        BlkFeatures.checkZoned(properties, features);
        accepted = features;
        configSpace.accepted(features);
        if (device != null) device.accept(features, configSpace.isWriteBack(features));
    }

    /** What the driver accepted; 0 before. */
    public long acceptedFeatures() {
        return accepted;
    }

    public byte[] readConfig(int offset, int sizeBytes) {
        return configSpace.read(offset, sizeBytes);
    }

    public boolean writeConfig(int offset, byte[] bytes) {
        if (!configSpace.write(offset, bytes)) return false;
        if (device != null) device.writeBack(configSpace.isWriteBack(accepted));
        return true;
    }

    /** As {@link Device#useMemory}; the first one opens the device. */
    public void useMemory(GuestMemory memory, VirtqueueAreas[] areas) {
        if (device == null) {
            failure = null;
            synchronized (resizing) {
                device = Device.open(
                        system, config.name(), node, properties, ioThreadOfQueue, counters::get, blocking,
                        new Conduct(intake, errorPolicy(config.errors())), this);
            }
            device.accept(accepted, configSpace.isWriteBack(accepted));
            if (dirtyLog != null) device.logWrites(dirtyLog);
        }
        device.useMemory(memory, areas);
    }

    /** As {@link Device#logWrites}, for this driver's device also when there is none yet. */
    public void logWrites(DirtyLog next) {
        dirtyLog = next;
        if (device != null) device.logWrites(next);
    }

    public void logUsed(int index, UsedLog usedLog) {
        device.logUsed(index, usedLog);
    }

    /**
     * As {@link Device#startQueue}; takes the image if it is not ours yet, or no more.
     *
     * @throws VirtqueueBroken as {@link Device#startQueue} says, or a device before still has requests that are to be taken
     *     once more
     */
    public void startQueue(
            int index,
            int size,
            VirtqueueAreas areas,
            int base,
            EventFd kick,
            EventFd call,
            EventFd err,
            UsedLog usedLog,
            InflightArea inflight) {
        // Their late ends would be the second ones, and late writes undo what the driver has written since.
        if (inflight != null && inflight.isBegun() && !lost.isEmpty())
            throw new VirtqueueBroken(VirtqueueBroken.Fault.INFLIGHT_HELD, lost.stream().mapToLong(Device::inFlight).sum());
        node.activate();
        int resubmits = device.startQueue(index, size, areas, base, kick, call, err, usedLog, inflight);
        if (resubmits != 0) {
            log.info(System.nanoTime(), "resubmitted", "queue {} goes on with {} requests that were in flight", index,
                    resubmits);
        }
    }

    /**
     * The guest is about to run elsewhere, and its disk be opened there: gives the image up, until a queue starts again.
     * No queue runs.
     */
    public void handOver() {
        if (properties.readOnly()) return; // its drive may be that of others here, who go on
        if (!lost.isEmpty()) {
            throw new ImageException(ImageException.Kind.IN_USE, config.drive(),
                    "requests of an earlier driver are still in flight: the image is not given up");
        }
        node.inactivate();
        log.info(System.nanoTime(), "handed-over", "drive {} is left to whom its guest moves to", config.drive());
    }

    /** What a device that goes on for this one elsewhere has to know. */
    public byte[] saveState() {
        return new BlkState(configSpace.writeback()).encode();
    }

    /** False when it is no state that {@link #saveState} answered. */
    public boolean loadState(byte[] bytes) {
        BlkState state = BlkState.decode(bytes);
        return state != null && writeConfig(BlkLayout.CONFIG_WRITEBACK, new byte[] {(byte) (state.writeback() ? 1 : 0)});
    }

    /** Waits for what is in flight; where the virtqueue goes on. */
    public int stopQueue(int index) {
        return device == null ? 0 : await(index, device.stopQueue(index));
    }

    /** As {@link #stopQueue}, but see {@link Device#suspendQueue}. */
    public int suspendQueue(int index) {
        return device == null ? 0 : await(index, device.suspendQueue(index));
    }

    private int await(int index, CompletableFuture<Integer> stopped) {
        try {
            int next = stopped.get(patienceNanos(), TimeUnit.NANOSECONDS);
            // A driver that starts over is not to wait for somebody to resume what the one before has given up.
            if (device.runningQueues().isEmpty()) intake.letGo(Intake.Hold.IO_ERROR);
            return next;
        } catch (TimeoutException e) {
            hangs = true;
            throw new IllegalStateException("device " + name() + " queue " + index + ": " + inflightRequests()
                    + " requests are still in flight after " + drainNanosMax / 1_000_000_000 + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while queue " + index + " drains");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    public void setCall(int index, EventFd call) {
        if (device != null) device.setCall(index, call);
    }

    public void setErr(int index, EventFd err) {
        if (device != null) device.setErr(index, err);
    }

    private long patienceNanos() {
        return hangs ? Math.min(HANGING_NANOS, drainNanosMax) : drainNanosMax;
    }

    /** The driver starts over; its queues are stopped, its memory stays. */
    public void resetDriver() {
        accepted = 0;
        configSpace.reset();
        if (device != null) device.accept(0, configSpace.isWriteBack(0));
    }

    /** The driver is gone: stops and drains everything, gives the memory back. */
    public void reset() {
        Device ending = device;
        if (ending == null) return;
        CompletableFuture<Void> closed = ending.close();
        try {
            closed.get(patienceNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            LOG.error("device {}: {} requests never came back from drive {}; their memory stays mapped",
                    name(), ending.inFlight(), config.drive());
            lost.add(ending);
            closed.whenComplete((_, _) -> lost.remove(ending));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            LOG.error("device {} did not close", name(), e.getCause());
        }
        device = null;
        intake.letGo(Intake.Hold.IO_ERROR);
        hangs = false;
        accepted = 0;
        configSpace.driverGone();
    }

    /**
     * Takes nothing more from the rings until {@link #resume}, whoever drives the device; what is in flight goes on.
     * From any thread but an IOThread, as those that follow.
     */
    public void pause() {
        intake.hold(Intake.Hold.PAUSE);
        awaitTurn();
    }

    /** Takes requests again after {@link #pause} or a stop, those first that have failed, in their order. */
    public void resume() {
        intake.letGo(Intake.Hold.PAUSE);
        intake.letGo(Intake.Hold.IO_ERROR);
        lookAgain();
    }

    /**
     * Takes nothing until what is in flight is answered, then flushes the drive, and goes on.
     *
     * @throws IllegalStateException it cannot be drained, or the flush failed; it goes on all the same
     */
    public void drain() {
        whileIdle(() -> {
            int errno = DriveFlush.on(node, ioThreadOfQueue.getFirst()).copy()
                    .orTimeout(drainNanosMax, TimeUnit.NANOSECONDS).join();
            if (errno != 0) throw new IllegalStateException("the flush failed: " + Errno.describe(errno));
        });
    }

    /**
     * Gives the drive another size, and the driver a configuration change. A device that becomes smaller is drained for
     * that; one that grows serves on.
     *
     * @param wantedBytes what it is to have; empty for what the drive has by now
     * @throws io.vireo.storage.node.ImageException it cannot have that size
     * @throws IllegalStateException it cannot be drained
     */
    public void resize(OptionalLong wantedBytes, boolean mayShrink) {
        if (mayShrink) whileIdle(() -> resizeNow(wantedBytes, true));
        else resizeNow(wantedBytes, false);
    }

    private void resizeNow(OptionalLong wantedBytes, boolean mayShrink) {
        node.resize(wantedBytes, mayShrink);
        resized();
    }

    /** The drive has another size. */
    void resized() {
        synchronized (resizing) {
            properties = properties.withCapacityBytes(node.sizeBytes() / 512 * 512);
            Device used = device;
            if (used != null) used.resized(properties);
            configSpace.resize(properties.capacitySectors());
        }
        onConfigChange.run();
    }

    /** Told, on the thread that changed it, when the configuration space says something that the driver does not know. */
    public void onConfigChange(Runnable listener) {
        onConfigChange = listener;
    }

    /** As {@link BlkConfigSpace#generation}. */
    public int configGeneration() {
        return configSpace.generation();
    }

    private void whileIdle(Runnable action) {
        synchronized (draining) {
            intake.hold(Intake.Hold.DRAIN);
            try {
                if (intake.isHeldBy(Intake.Hold.IO_ERROR)) {
                    throw new IllegalStateException("it is stopped by an I/O error: resume first");
                }
                awaitTurn();
                Device used = device;
                if (used != null) used.whenIdle().copy().orTimeout(drainNanosMax, TimeUnit.NANOSECONDS).join();
                action.run();
            } catch (CompletionException e) {
                if (!(e.getCause() instanceof TimeoutException)) throw new IllegalStateException(e.getCause().getMessage());
                throw new IllegalStateException("requests are still in flight, or a flush is, after "
                        + TimeUnit.NANOSECONDS.toSeconds(drainNanosMax) + " s");
            } finally {
                intake.letGo(Intake.Hold.DRAIN);
                lookAgain();
            }
        }
    }

    /** What an IOThread had begun to take when the intake was held, it has taken. */
    private void awaitTurn() {
        for (IoThread ioThread : Set.copyOf(ioThreadOfQueue)) CompletableFuture.runAsync(() -> {}, ioThread).join();
    }

    private void lookAgain() {
        Device used = device;
        if (used != null) used.resume();
    }

    /** Where {@link #clientConnected} comes from; without it nobody is ever connected. */
    public void connectedWhen(BooleanSupplier isConnected) {
        connected = isConnected;
    }

    public List<IoThread> ioThreadOfQueue() {
        return ioThreadOfQueue;
    }

    /** The device a driver uses now, or null. */
    public Device device() {
        return device;
    }

    @Override
    public String name() {
        return config.name();
    }

    @Override
    public Map<String, String> labels() {
        return config.labels();
    }

    @Override
    public String drive() {
        return config.drive();
    }

    @Override
    public List<String> ioThreads() {
        return ioThreadOfQueue.stream().distinct().map(IoThread::name).toList();
    }

    @Override
    public String state() {
        if (failure != null) return "failed";
        if (intake.isHeldBy(Intake.Hold.IO_ERROR)) return "io-error";
        if (intake.isHeldBy(Intake.Hold.PAUSE)) return "paused";
        return device == null ? "waiting" : "running";
    }

    @Override
    public boolean clientConnected() {
        return connected.getAsBoolean();
    }

    @Override
    public List<DeviceCounters> counters() {
        return ioThreadOfQueue.stream().distinct().map(counters::get).toList();
    }

    @Override
    public int inflightRequests() {
        return used().mapToInt(Device::inFlight).sum();
    }

    @Override
    public long oldestRequestNanos() {
        return used().mapToLong(Device::oldestRequestNanos).filter(at -> at != 0)
                .reduce((a, b) -> a - b < 0 ? a : b).orElse(0);
    }

    /** What is in flight, for the operator who waits for it. */
    String describeInFlight() {
        long oldest = oldestRequestNanos();
        long seconds = oldest == 0 ? 0 : (System.nanoTime() - oldest) / 1_000_000_000;
        return "device " + name() + ": " + inflightRequests() + " requests in flight on drive " + config.drive()
                + ", the oldest for " + seconds + " s";
    }

    private Stream<Device> used() {
        return Stream.concat(lost.stream(), Stream.ofNullable(device));
    }

    @Override
    public void virtqueueBroken(int queue, VirtqueueBroken reason) {
        log.warn(System.nanoTime(), "virtqueue-broken", "virtqueue {} is broken: {}", queue, reason.getMessage());
    }

    @Override
    public void requestFailed(int queue, int type, long offsetBytes, int reason, int errno) {
        String kind = Reason.label(reason);
        log.warn(System.nanoTime(), kind, "request of type {} at byte {} on virtqueue {} failed: {}",
                type, offsetBytes, queue, errno == 0 ? kind : Errno.describe(errno));
    }

    @Override
    public void ioError(IoError error) {
        if (error.action() == ErrorPolicy.Action.STOP) {
            log.error(System.nanoTime(), "io-error", "stopped: a {} at byte {} on virtqueue {} of drive {} failed: {}; mend that,"
                    + " then resume the device", error.operation().name().toLowerCase(Locale.ROOT), error.offsetBytes(),
                    error.queue(), drive(), Errno.describe(error.errno()));
        }
        if (error.action() == ErrorPolicy.Action.REPORT) reportedErrors.increment();
        onIoError.accept(error);
    }

    /** Requests that the drive has failed and whose driver was told so, since the start. From any thread. */
    public long reportedErrors() {
        return reportedErrors.sum();
    }

    @Override
    public void failed(Throwable reason) {
        failure = reason;
        LOG.error("device {} has failed and serves nothing until its driver resets it", name(), reason);
        onFailure.run();
    }

    private static ErrorPolicy errorPolicy(ErrorPolicyConfig errors) {
        return new ErrorPolicy(
                ErrorPolicy.OnError.valueOf(errors.rerror().name()), ErrorPolicy.OnError.valueOf(errors.werror().name()));
    }
}
