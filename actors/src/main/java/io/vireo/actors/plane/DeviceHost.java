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
import io.vireo.config.VirtqueueConfig;
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
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A configured device for as long as it is configured: its features, its configuration space and its counters stay
 * while drivers come and go. A {@link Device} lives inside it from a driver's first memory to its reset.
 *
 * <p>Thread: virtio's side by one transport thread at a time; {@link #status} and {@link #quiescence} have their own.
 */
public final class DeviceHost {
    private static final Logger LOG = LoggerFactory.getLogger(DeviceHost.class);
    private static final long HANGING_NANOS = 100_000_000;

    private final ActorSystem<?> system;
    private final DeviceConfig config;
    private final BlockNode node;
    private final List<IoThread> ioThreadOfQueue;
    private final Executor blocking;
    private final long drainNanosMax;
    private final DeviceSize size;
    private final BlkConfigSpace configSpace;
    private final long offered;
    private final DeviceReports reports;
    private final DeviceStatus status;
    private final Intake intake = new Intake();
    private final Quiescence quiescence;
    private final LostDevices lost = new LostDevices();
    private volatile Device device;
    private volatile boolean givesUp;
    private volatile long giveUpNanos;
    private volatile long accepted;
    private DirtyLog dirtyLog;
    /** A queue did not stop in time: until the reset, its device's others are not waited for as long once more. */
    private boolean hangs;
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
        size = new DeviceSize(node, DeviceProperties.of(config, node, ioThreadOfQueue.size()));
        configSpace = size.configSpace();
        offered = BlkFeatures.offered(size.properties(), DeviceProperties.ringFeatures(config));
        reports = new DeviceReports(config);
        status = new DeviceStatus(config, this.ioThreadOfQueue, reports, intake, lost, this::device);
        quiescence = new Quiescence(this, node, intake, blocking, drainNanosMax);
    }

    /** What is to be seen of it. */
    public DeviceStatus status() {
        return status;
    }

    /** By which it is made to take nothing for a while. */
    public Quiescence quiescence() {
        return quiescence;
    }

    /** Told, on an IOThread, when the device failed and serves nothing until its driver resets it. */
    public void onFailure(Runnable listener) {
        reports.onFailure(listener);
    }

    /** Told, on an IOThread, when a driver has broken a virtqueue, which is not served any more. */
    public void onVirtqueueBroken(Runnable listener) {
        reports.onVirtqueueBroken(listener);
    }

    /** Told, on an IOThread, of requests that the drive has failed, as {@link DeviceListener#ioError} is. */
    public void onIoError(Consumer<IoError> listener) {
        reports.onIoError(listener);
    }

    public DeviceConfig config() {
        return config;
    }

    public BlkProperties properties() {
        return size.properties();
    }

    public long offeredFeatures() {
        return offered;
    }

    /** @throws IllegalArgumentException a bit that was not offered, or too few for a host-managed zoned disk */
    public void acceptFeatures(long features) {
        BlkFeatures.checkAccepted(offered, features);
        BlkFeatures.checkZoned(properties(), features);
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
            reports.opened();
            device = size.open(properties -> Device.open(
                    system, config.name(), node, properties, ioThreadOfQueue, status::countersOf, blocking,
                    new Conduct(intake, errorPolicy(config.errors()), inFlightMax()), reports));
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
     * @throws VirtqueueBroken as {@link Device#startQueue} says, or requests of a driver before have not come back from the
     *     drive
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
        // What they still write would undo what this driver writes, what they still read lands in its memory.
        if (!lost.isEmpty()) throw new VirtqueueBroken(VirtqueueBroken.Fault.INFLIGHT_HELD, lost.inFlight());
        node.activate();
        int resubmits = device.startQueue(index, size, areas, base, kick, call, err, usedLog, inflight);
        if (resubmits != 0) {
            reports.log().info(System.nanoTime(), "resubmitted", "queue {} goes on with {} requests that were in flight", index,
                    resubmits);
        }
    }

    /**
     * The guest is about to run elsewhere, and its disk be opened there: gives the image up, until a queue starts again.
     * No queue runs.
     */
    public void handOver() {
        if (properties().readOnly()) return; // its drive may be that of others here, who go on
        if (!lost.isEmpty()) {
            throw new ImageException(ImageException.Kind.IN_USE, config.drive(),
                    "requests of an earlier driver are still in flight: the image is not given up");
        }
        node.inactivate();
        reports.log().info(System.nanoTime(), "handed-over", "drive {} is left to whom its guest moves to", config.drive());
    }

    /** What a device that goes on for this one elsewhere has to know: the requests, too, that it keeps while it is quiet. */
    public byte[] saveState() {
        Device used = device;
        return new BlkState(configSpace.writeback(), used == null ? List.of() : used.kept()).encode();
    }

    /**
     * False when it is no state that {@link #saveState} answered. One with requests wants the queues that they are of
     * running, and nothing taken from them yet; it stops the device as their failure did.
     *
     * @throws IllegalArgumentException a request does not fit
     */
    public boolean loadState(byte[] bytes) {
        BlkState state = BlkState.decode(bytes);
        if (state == null) return false;
        Device used = device;
        if (!state.kept().isEmpty() && used == null) return false;
        state.kept().forEach(request -> used.keep(request));
        return writeConfig(BlkLayout.CONFIG_WRITEBACK, new byte[] {(byte) (state.writeback() ? 1 : 0)});
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
            throw new IllegalStateException("device " + name() + " queue " + index + ": " + status.inflightRequests()
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
        if (givesUp) return Math.max(HANGING_NANOS / 10, giveUpNanos - System.nanoTime());
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
            lost.add(ending, closed);
            abandon(ending);
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

    /** Whoever comes next may have the same memory and eventfds, and has asked for nothing that would be answered. */
    private void abandon(Device ending) {
        try {
            ending.abandon().get(HANGING_NANOS, TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            LOG.error("device {}: an IOThread of {} does not answer", name(), status.ioThreads());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            LOG.error("device {} was not abandoned", name(), e.getCause());
        }
    }

    /**
     * From now on takes nothing, and waits a moment, and no longer, for what is in flight: whoever drives the device gets no
     * answer to it.
     */
    public void giveUpInFlight() {
        giveUpNanos = System.nanoTime() + HANGING_NANOS;
        givesUp = true;
        quiescence.takeNoMore();
    }

    /** Those of its devices that are still waited for. */
    LostDevices lost() {
        return lost;
    }

    /** As {@link Device#base}. */
    public int queueBase(int index) {
        return device.base(index);
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
        if (mayShrink) quiescence.whileIdle(() -> resizeNow(wantedBytes, true));
        else resizeNow(wantedBytes, false);
    }

    private void resizeNow(OptionalLong wantedBytes, boolean mayShrink) {
        node.resize(wantedBytes, mayShrink);
        resized();
    }

    /** The drive has another size. */
    void resized() {
        size.changed(device);
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

    public List<IoThread> ioThreadOfQueue() {
        return ioThreadOfQueue;
    }

    /** The device a driver uses now, or null. */
    public Device device() {
        return device;
    }

    boolean hasRunningQueues() {
        Device used = device;
        return used != null && !used.runningQueues().isEmpty();
    }

    public String name() {
        return config.name();
    }

    /** A front-end may make rings of any length; what is in flight of one is bounded by what the configuration says. */
    private int inFlightMax() {
        return Math.max(config.queues().size(), VirtqueueConfig.DEFAULT.size());
    }

    private static ErrorPolicy errorPolicy(ErrorPolicyConfig errors) {
        return new ErrorPolicy(
                ErrorPolicy.OnError.valueOf(errors.rerror().name()), ErrorPolicy.OnError.valueOf(errors.werror().name()));
    }
}
