package io.vireo.embed;

import io.vireo.actors.device.ErrorPolicy;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.monitoring.metrics.DeviceCounters;
import io.vireo.posix.EventFd;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.memory.MemoryRegion;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.VirtqueueAreas;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * A virtio-blk device for a transport (virtio-pci, virtio-mmio, ...) of the embedder's own: what the driver reads and
 * writes through it goes in here, in the specification's words (virtio 1.3, 2.1 to 2.6 and 5.2). Requests go past it,
 * from guest memory to an IOThread.
 *
 * <p>Order: {@link #acceptFeatures}, {@link #setMemory}, then {@link Virtqueue#enable} for each queue when the driver
 * sets DRIVER_OK. Thread: any but an IOThread; calls wait for each other and for their IOThreads.
 */
public final class VirtioBlkDevice implements AutoCloseable {
    public static final int STATUS_ACKNOWLEDGE = 1;
    public static final int STATUS_DRIVER = 2;
    public static final int STATUS_DRIVER_OK = 4;
    public static final int STATUS_FEATURES_OK = 8;
    public static final int STATUS_DEVICE_NEEDS_RESET = 64;
    public static final int STATUS_FAILED = 128;
    private static final int STATUS_OF_DRIVER =
            STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK | STATUS_FEATURES_OK | STATUS_FAILED;
    /** Unmapping takes milliseconds; the drive's requests are back before this counts. */
    private static final long UNMAP_SECONDS_MAX = 10;

    private final DeviceHost host;
    private final BlockNode node;
    private final BiConsumer<VirtioBlkDevice, CompletableFuture<Void>> onClose;
    private final List<Virtqueue> queues;
    private final List<CompletableFuture<Void>> mapped = new ArrayList<>();
    private Map<GuestRam, GuestRam.Mapped> ram = Map.of();
    private GuestMemory memory;
    private boolean featuresAccepted;
    private boolean closed;
    private int driverStatus;
    private volatile boolean failed;
    private volatile Runnable onFailure = () -> {};
    private volatile Runnable onConfigChange = () -> {};
    private volatile Consumer<IoError> onIoError = _ -> {};

    /** @param onClose told once, with what completes when node and memory are given back */
    VirtioBlkDevice(
            DeviceHost host,
            BlockNode node,
            Executor callbacks,
            BiConsumer<VirtioBlkDevice, CompletableFuture<Void>> onClose) {
        this.host = host;
        this.node = node;
        this.onClose = onClose;
        queues = IntStream.range(0, host.ioThreadOfQueue().size()).mapToObj(i -> new Virtqueue(this, i)).toList();
        host.status().connectedWhen(() -> host.device() != null);
        Runnable needsReset = () -> {
            failed = true;
            // The listeners are strangers, who may call back and wait.
            callbacks.execute(() -> {
                onFailure.run();
                onConfigChange.run();
            });
        };
        host.onFailure(needsReset);
        host.onVirtqueueBroken(needsReset);
        host.onConfigChange(() -> callbacks.execute(() -> onConfigChange.run()));
        host.onIoError(error -> {
            IoError told = new IoError(error.operation().name().toLowerCase(Locale.ROOT), error.offsetBytes(), error.errno(),
                    error.action() == ErrorPolicy.Action.STOP);
            callbacks.execute(() -> onIoError.accept(told));
        });
    }

    public String name() {
        return host.name();
    }

    /** What its log lines and metrics are labelled with. */
    public Map<String, String> labels() {
        return host.config().labels();
    }

    public long capacitySectors() {
        return host.properties().capacityBytes() / 512;
    }

    /** The device's feature bits; those of the transport are the embedder's to add. */
    public long offeredFeatures() {
        return host.offeredFeatures();
    }

    /**
     * The driver's choice, without the transport's bits.
     *
     * @throws IllegalArgumentException it has bits that were not offered, or lacks ZONED for host-managed zones:
     *     FEATURES_OK must not stick
     * @throws IllegalStateException a queue is enabled
     */
    public synchronized void acceptFeatures(long features) {
        requireOpen();
        if (queues.stream().anyMatch(Virtqueue::isEnabled)) {
            throw new IllegalStateException("device " + name() + ": features cannot change while a queue is enabled");
        }
        host.acceptFeatures(features);
        featuresAccepted = true;
    }

    /** Bytes of the configuration space, struct virtio_blk_config; zeroes behind its end. */
    public synchronized byte[] readConfig(int offset, int lengthBytes) {
        return host.readConfig(offset, lengthBytes);
    }

    /** What the driver writes to the configuration space; false when it may not write that, and nothing happened. */
    public synchronized boolean writeConfig(int offset, byte[] bytes) {
        requireOpen();
        return host.writeConfig(offset, bytes);
    }

    /**
     * Runs, on a thread of its own, when the driver is to get a configuration change notification: when the device has
     * another size, or has set DEVICE_NEEDS_RESET (2.1.2). Replaces the listener before.
     */
    public void onConfigChange(Runnable listener) {
        onConfigChange = listener;
    }

    /**
     * Runs, on a thread of its own, when the device has set DEVICE_NEEDS_RESET: it has failed, or the driver has broken a
     * virtqueue, which is served no more. Replaces the listener before.
     */
    public void onFailure(Runnable listener) {
        onFailure = listener;
    }

    /**
     * Told, on a thread of its own, of requests that the drive has failed: each one that the driver is told of or that is
     * ignored, and the first of those that stop the device ({@code rerror}, {@code werror}). Replaces the listener before.
     */
    public void onIoError(Consumer<IoError> listener) {
        onIoError = listener;
    }

    /** Whether it has stopped at an I/O error; {@link #resume}, or a reset, ends that. */
    public boolean isStoppedByError() {
        return host.status().state().equals("io-error");
    }

    /** Requests that it has taken and not answered. */
    public int inFlightRequests() {
        return host.status().inflightRequests();
    }

    /** Requests that it has answered since it was opened. */
    public long requests() {
        return host.status().counters().stream().mapToLong(DeviceCounters::requests).sum();
    }

    /** Takes nothing more from the rings until {@link #resume}; what is in flight goes on. */
    public void pause() {
        openHost().quiescence().pause();
    }

    /** Goes on after {@link #pause} or a stop at an I/O error: what has failed is tried again first, in its order. */
    public void resume() {
        openHost().quiescence().resume();
    }

    /**
     * Waits until nothing is in flight, taking nothing meanwhile, and flushes the drive.
     *
     * @throws IllegalStateException it has stopped at an I/O error, or the flush failed
     */
    public void drain() {
        openHost().quiescence().drain();
    }

    /**
     * Takes nothing more from the rings until {@link #resume}, as {@link #pause}, and completes when nothing is in flight,
     * every call was made and the drive was flushed. From then on the guest's memory does not change by this device, and
     * {@link #saveState} and {@link Virtqueue#base} are what another one goes on with.
     *
     * <p>One that has stopped at an I/O error keeps the requests that failed: they are part of its state.
     *
     * @return waits as long as the drive takes; completes with {@link IllegalStateException} when the device has failed, or
     *     the flush did, or when it has stopped at an I/O error and uses requests in order (VIRTIO_F_IN_ORDER): it is
     *     paused then, and no state of it can be saved
     */
    public CompletableFuture<Void> quiesce() {
        return openHost().quiescence().quiesce();
    }

    /**
     * What the device knows that neither its configuration nor its transport does: which write cache the driver chose, and
     * the requests that it keeps after an I/O error. The device is {@linkplain #quiesce quiesced}. A transport saves this beside what is its own: features, status, and where its queues are ({@link Virtqueue#base}).
     */
    public synchronized byte[] saveState() {
        requireOpen();
        return host.saveState();
    }

    /**
     * Takes over what {@link #saveState} answered, {@linkplain #pause paused} and with its queues enabled where they were.
     * {@link #resume} goes on.
     *
     * @throws IllegalArgumentException it is no such state, or does not fit queues or memory
     */
    public synchronized void loadState(byte[] state) {
        requireOpen();
        if (!host.loadState(state)) throw new IllegalArgumentException("device " + name() + ": no state of a block device");
    }

    /**
     * Gives the disk another size.
     *
     * @param mayShrink whether what lies behind a smaller size may be lost; the device is drained then
     * @throws VireoException the drive cannot have that size
     */
    public void resize(long sizeBytes, boolean mayShrink) {
        try {
            openHost().resize(OptionalLong.of(sizeBytes), mayShrink);
        } catch (ImageException e) {
            throw new VireoException(e);
        }
    }

    /** The configuration space's generation (2.5.1), for a transport that shows it. */
    public int configGeneration() {
        return host.configGeneration();
    }

    /** The device status field (2.1): the bits the driver wrote, and DEVICE_NEEDS_RESET. */
    public synchronized int status() {
        return driverStatus | (failed ? STATUS_DEVICE_NEEDS_RESET : 0);
    }

    /**
     * The driver writes the device status field: 0 is a {@link #reset}, bits once set stay, and FEATURES_OK stays only
     * after {@link #acceptFeatures}. It enables no queue.
     */
    public synchronized void writeStatus(int status) {
        requireOpen();
        if (status == 0) {
            reset();
            return;
        }
        int bits = status & STATUS_OF_DRIVER;
        driverStatus |= featuresAccepted ? bits : bits & ~STATUS_FEATURES_OK;
    }

    /**
     * The guest's memory from now on, also while queues run: their rings are looked up anew. What is given again, the
     * same object, stays as it is; what is not is let go as soon as no request in flight uses it.
     *
     * @throws IllegalArgumentException ranges overlap, a running queue's rings are not in them, or a range cannot be
     *     used as {@link GuestRam} says; the memory before stays in use
     */
    public synchronized void setMemory(GuestRam... ranges) {
        requireOpen();
        requireHealthy();
        Map<GuestRam, GuestRam.Mapped> next = new IdentityHashMap<>();
        List<MemoryRegion> regions = new ArrayList<>();
        VirtqueueAreas[] areas = new VirtqueueAreas[queues.size()];
        GuestMemory generation;
        try {
            for (GuestRam range : ranges) {
                if (next.containsKey(range)) throw new IllegalArgumentException(range + " is given twice");
                GuestRam.Mapped known = ram.get(range);
                if (known != null) known.region().mapping().retain();
                GuestRam.Mapped use = known != null ? known : range.map();
                next.put(range, use);
                regions.add(use.region());
            }
            generation = GuestMemory.of(regions);
            for (Virtqueue queue : queues) areas[queue.index()] = queue.areasIn(generation, ringFormat());
        } catch (RuntimeException e) {
            regions.forEach(region -> region.mapping().release());
            throw e;
        }
        mapped.removeIf(CompletableFuture::isDone);
        next.forEach((range, use) -> {
            if (!ram.containsKey(range)) mapped.add(use.gone());
        });
        ram = next;
        memory = generation;
        host.useMemory(generation, areas);
    }

    public List<Virtqueue> queues() {
        return queues;
    }

    public Virtqueue queue(int index) {
        return queues.get(index);
    }

    /**
     * A device reset (2.4): every queue is disabled, what is in flight is completed, features and memory are forgotten,
     * eventfds and mappings given back.
     *
     * @throws IllegalStateException requests did not come back from the drive in time; what they use stays mapped
     */
    public synchronized void reset() {
        requireOpen();
        await(giveBack());
    }

    /** Resets the device, whose drive is closed then. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        CompletableFuture<Void> done = giveBack().thenRun(node::close);
        onClose.accept(this, done);
        await(done);
    }

    /**
     * As {@link #close}, without waiting for what is in flight: its driver gets no answer.
     *
     * @return completes when that is back from the drive, and drive, memory and eventfds are given up
     */
    public synchronized CompletableFuture<Void> abandon() {
        if (closed) return CompletableFuture.completedFuture(null);
        host.giveUpInFlight();
        closed = true;
        CompletableFuture<Void> done = giveBack().thenRun(node::close);
        onClose.accept(this, done);
        return done;
    }

    DeviceHost host() {
        return host;
    }

    int queueSizeMax() {
        return host.config().queues().size();
    }

    synchronized RingFormat ringFormat() {
        return RingFormat.of(host.acceptedFeatures());
    }

    synchronized void enable(Virtqueue queue, QueueSetup setup, int base) {
        requireOpen();
        requireHealthy();
        if (queue.isEnabled()) throw new IllegalStateException("queue " + queue.index() + " is enabled already");
        if (memory == null) throw new IllegalStateException("device " + name() + " has no memory yet");
        if (setup.size() > queueSizeMax()) {
            throw new IllegalArgumentException("queue size " + setup.size() + " is more than " + queueSizeMax());
        }
        RingFormat format = ringFormat();
        if (!format.isValidSize(setup.size()) || !format.isValidBase(setup.size(), base)) {
            throw new IllegalArgumentException("%s queue of size %d at 0x%x".formatted(format, setup.size(), base));
        }
        VirtqueueAreas areas = queue.areas(memory, format, setup);
        queue.open(setup);
        host.startQueue(queue.index(), setup.size(), areas, base, queue.kick(), queue.call(), null, null, null);
    }

    synchronized int base(Virtqueue queue) {
        return queue.isEnabled() ? host.queueBase(queue.index()) : ringFormat().newBase();
    }

    synchronized int disable(Virtqueue queue) {
        if (!queue.isEnabled()) return ringFormat().newBase();
        int base = host.stopQueue(queue.index());
        // The last call may still be on its way through the IOThread.
        CompletableFuture.runAsync(() -> {}, host.ioThreadOfQueue().get(queue.index())).join();
        queue.end().forEach(EventFd::close);
        return base;
    }

    /** Resets; the answer completes when nothing in flight uses memory or eventfds, which are gone then. */
    private CompletableFuture<Void> giveBack() {
        host.reset();
        CompletableFuture<Void> unmapped = CompletableFuture.allOf(mapped.toArray(CompletableFuture[]::new));
        List<EventFd> fds = queues.stream().flatMap(queue -> queue.end().stream()).toList();
        // Also a reset that comes again waits for what the one before has waited for in vain.
        mapped.removeIf(CompletableFuture::isDone);
        ram = Map.of();
        memory = null;
        driverStatus = 0;
        featuresAccepted = false;
        failed = false;
        return unmapped.thenRun(() -> fds.forEach(EventFd::close));
    }

    private void await(CompletableFuture<Void> drained) {
        try {
            drained.get(UNMAP_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            throw new IllegalStateException("device " + name() + ": requests did not come back from drive " + host.config().drive()
                    + "; what they use stays mapped and open until they do");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while device " + name() + " drains");
        } catch (ExecutionException e) {
            throw new IllegalStateException("device " + name() + " did not end", e.getCause());
        }
    }

    /** For what waits, and must not keep others from the device meanwhile. */
    private synchronized DeviceHost openHost() {
        requireOpen();
        return host;
    }

    private void requireOpen() {
        if (closed) throw new IllegalStateException("device " + name() + " is closed");
    }

    private void requireHealthy() {
        if (failed) throw new IllegalStateException("device " + name() + " has failed and needs a reset");
    }
}
