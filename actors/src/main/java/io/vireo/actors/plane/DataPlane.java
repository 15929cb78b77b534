package io.vireo.actors.plane;

import akka.actor.typed.ActorSystem;
import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.vhostuser.ListeningSocket;
import io.vireo.actors.vhostuser.TransportCheck;
import io.vireo.actors.vhostuser.VhostUserServer;
import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.IoThreadConfig;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import io.vireo.monitoring.metrics.IoThreadView;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.posix.PeerCredentials;
import io.vireo.posix.PosixException;
import io.vireo.storage.node.BlockNode;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that a configuration describes, running: IOThreads, drives, and devices with their sockets. What is added later is
 * added whole or not at all, as the beginning was. Thread: any but an IOThread; those who add, remove and close wait for each
 * other.
 */
public final class DataPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataPlane.class);
    /** As QEMU's thread-pool-max. */
    private static final int BLOCKING_THREADS_MAX = 64;
    private static final long GOING_NANOS_MAX = 1_000_000_000;

    private final ActorSystem<?> system;
    private final VireoMetrics metrics;
    private final ExecutorService blocking = Executors.newFixedThreadPool(BLOCKING_THREADS_MAX, work -> {
        Thread thread = new Thread(work, "vireo-blocking");
        thread.setDaemon(true);
        return thread;
    });
    private final IoThreads ioThreads;
    private final boolean uring;
    private final Map<String, BlockNode> nodes = new LinkedHashMap<>();
    private final Map<String, DriveFacts> drives = new ConcurrentHashMap<>();
    private final List<ServedDevice> devices = new CopyOnWriteArrayList<>();
    /** Removed with requests that have not come back. */
    private final List<DeviceHost> leaving = new CopyOnWriteArrayList<>();
    private final Map<String, IoThreadView> shownIoThreads = new HashMap<>();
    private volatile VireoConfig config;
    /** What is not opened anew. */
    private Estate estate;
    private boolean begun;
    /** Of devices that wait for {@link #begin}. */
    private final Map<String, DeviceState> adopted = new HashMap<>();
    private Consumer<DeviceHost> onDevice = _ -> {};
    private boolean closed;

    private DataPlane(ActorSystem<?> system, VireoConfig config, VireoMetrics metrics, boolean uring, Estate estate) {
        this.estate = estate;
        this.system = system;
        this.config = config.emptied();
        this.metrics = metrics;
        this.uring = uring;
        ioThreads = new IoThreads(system, blocking, uring);
    }

    /**
     * Starts what the configuration describes.
     *
     * @param uring false when io_uring is not to be used even if the host has it
     * @throws DriveException an image that cannot be opened
     * @throws io.vireo.actors.vhostuser.SocketInUseException a socket that somebody serves
     */
    public static DataPlane start(ActorSystem<?> system, VireoConfig config, VireoMetrics metrics, boolean uring) {
        DataPlane plane = prepare(system, config, metrics, uring, Estate.nothing());
        plane.begin();
        return plane;
    }

    /**
     * As {@link #start}, with what another process has opened and serves still: no front-end is served, and no disk touched,
     * before {@link #begin}.
     *
     * @param estate stays the caller's, with what is not taken of it
     * @throws io.vireo.config.ConfigException the configuration is not about that
     */
    public static DataPlane prepare(
            ActorSystem<?> system, VireoConfig config, VireoMetrics metrics, boolean uring, Estate estate) {
        DataPlane plane = new DataPlane(system, config, metrics, uring, estate);
        try {
            estate.check(config);
            plane.add(_ -> config);
            return plane;
        } catch (RuntimeException | Error e) {
            plane.close();
            throw e;
        }
    }

    /**
     * Before {@link #begin}: has a device go on in the middle of what it does in another process.
     *
     * @throws io.vireo.virtio.vhostuser.VhostUserException its front-end cannot be served here
     * @throws IllegalArgumentException there is no such device
     */
    public synchronized void adopt(DeviceState state) {
        served(state.name()).adopt(state);
        adopted.put(state.name(), state);
    }

    /** Serves from now on, devices that were adopted too: when this returns all of them do, but for one that takes long. */
    public synchronized void begin() {
        begun = true;
        CountDownLatch going = new CountDownLatch(devices.size());
        for (ServedDevice device : devices)
            device.begin(Optional.ofNullable(adopted.remove(device.host().name())), going::countDown);
        try {
            if (!going.await(GOING_NANOS_MAX, TimeUnit.NANOSECONDS)) LOG.warn("not all devices go on yet");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!estate.isNothing()) devices.forEach(served -> served.socket().ifPresent(ListeningSocket::own));
        estate = Estate.nothing();
    }

    /**
     * What another process needs to {@link #prepare} for these drives. The descriptors stay this process's.
     *
     * @throws io.vireo.storage.node.ImageException a drive is in this process's memory, or has lost something
     */
    public synchronized List<DriveEstate> driveEstates() {
        return config.drives().values().stream().map(drive -> DriveEstate.of(drive, nodes.get(drive.nodeName()))).toList();
    }

    /** As {@link #driveEstates}, for these devices. */
    public List<DeviceEstate> deviceEstates() {
        return devices.stream()
                .map(served -> DeviceEstate.of(served.host(), served.socket().map(socket -> socket.socket().fd()))).toList();
    }

    /**
     * Has nobody served and nothing taken, for another process to go on with. Nothing is added or removed meanwhile, if the
     * caller synchronizes on this.
     *
     * @throws IllegalStateException which device did not come to rest in time, and why; all go on
     */
    public Offer offer(Duration within) throws InterruptedException {
        return Offer.of(devices, within);
    }

    /** What would keep a socket from being made, where the configuration names it. Makes nothing. */
    public static void check(VireoConfig config) {
        config.control().ifPresent(DataPlane::check);
        for (DeviceConfig device : config.devices().values()) device.transport().ifPresent(DataPlane::check);
    }

    private static void check(TransportConfig transport) {
        TransportCheck.problem(transport).ifPresent(what -> {
            throw new TransportException(transport, what, null);
        });
    }

    /** What runs. */
    public VireoConfig config() {
        return config;
    }

    /** Told of every device that there is and that comes. */
    public synchronized void onDevice(Consumer<DeviceHost> listener) {
        onDevice = listener;
        devices().forEach(listener);
    }

    /**
     * Adds IOThreads, drives and devices to what runs; when one of them cannot be had, none is.
     *
     * @param addition reads what is to be added beside what runs, as {@link io.vireo.config.ConfigLoader#addition} does;
     *     what it throws is thrown
     * @return what was added
     * @throws DriveException an image that cannot be opened
     * @throws TransportException a socket that cannot be made
     * @throws io.vireo.actors.vhostuser.SocketInUseException a socket that somebody serves
     * @throws IllegalStateException the data plane is closed
     */
    public synchronized VireoConfig add(UnaryOperator<VireoConfig> addition) {
        if (closed) throw new IllegalStateException("the data plane is closed");
        VireoConfig more = addition.apply(config);
        check(more);
        VireoConfig whole = config.plus(more);
        Deque<Runnable> undo = new ArrayDeque<>();
        List<ServedDevice> added = new ArrayList<>();
        try {
            for (DriveConfig drive : more.drives().values()) {
                nodes.put(drive.nodeName(), estate.open(drive, !whole.isIncoming(drive)));
                undo.push(() -> nodes.remove(drive.nodeName()).close());
            }
            for (IoThreadConfig ioThread : more.iothreads().values()) {
                ioThreads.start(ioThread);
                undo.push(() -> ioThreads.stop(ioThread.name()));
            }
            for (DeviceConfig device : more.devices().values()) {
                ServedDevice served = serve(device);
                undo.push(() -> forget(served));
                added.add(served);
            }
        } catch (RuntimeException | Error e) {
            undo.forEach(Runnable::run);
            throw e;
        }
        config = whole;
        List<DeviceHost> hosts = Stream.concat(devices.stream(), added.stream()).map(ServedDevice::host).toList();
        Set<String> changed = new HashSet<>(more.drives().keySet());
        more.devices().values().forEach(device -> changed.add(device.drive()));
        changed.forEach(drive -> show(drive, hosts));
        for (IoThread ioThread : ioThreads.all()) shownIoThreads.computeIfAbsent(ioThread.name(), _ -> show(ioThread));
        for (ServedDevice served : added) {
            devices.add(served);
            metrics.add(served.host().status());
            onDevice.accept(served.host());
            if (begun) served.begin(Optional.empty(), () -> {});
        }
        return more;
    }

    /**
     * Takes a device away, and its drive when no other device has it. Its front-end, if one is connected, is hung up on.
     *
     * @param force false: what is in flight is answered first, and the drive flushed; true: that is not waited for, the driver
     *     gets no answer, and memory and drive are given back when it comes back from the drive
     * @throws IllegalArgumentException there is no such device
     * @throws IllegalStateException without force: it cannot be drained, or the flush failed. It goes on
     */
    public synchronized void remove(String name, boolean force) {
        ServedDevice served = served(name);
        DeviceHost host = served.host();
        if (force) host.giveUpInFlight();
        else host.quiescence().cease();
        forget(served);
        config = config.withoutDevice(name);
        // What its server waits for may be of a request as well.
        CompletableFuture<Void> gone = served.server().map(VhostUserServer::whenEnded)
                .orElseGet(() -> CompletableFuture.completedFuture(null))
                .thenCompose(_ -> host.lost().whenBack());
        if (gone.isDone()) removed(host);
        else {
            leaving.add(host);
            gone.whenCompleteAsync((_, _) -> {
                synchronized (this) {
                    leaving.remove(host);
                    removed(host);
                }
            }, blocking);
        }
    }

    private ServedDevice served(String name) {
        return devices.stream().filter(each -> each.host().name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no device " + name));
    }

    /** Nothing of a device is left; its drive goes with the last one. */
    private void removed(DeviceHost host) {
        String drive = host.config().drive();
        boolean used = Stream.concat(devices().stream(), leaving.stream()).anyMatch(other -> other.config().drive().equals(drive));
        if (used) {
            show(drive, devices());
            return;
        }
        BlockNode node = nodes.remove(drive);
        if (node == null) return; // closed meanwhile
        metrics.remove(drives.remove(drive));
        config = config.withoutDrive(drive);
        node.close();
    }

    /**
     * Ends an IOThread that was configured.
     *
     * @throws IllegalArgumentException there is none of this name
     * @throws IllegalStateException a device has it
     */
    public synchronized void removeIoThread(String name) {
        if (!config.iothreads().containsKey(name)) {
            throw new IllegalArgumentException("there is no iothread " + name + "; there are " + config.iothreads().keySet());
        }
        Stream.concat(devices().stream(), leaving.stream()).filter(host -> host.status().ioThreads().contains(name)).findFirst()
                .ifPresent(host -> {
                    throw new IllegalStateException("device " + host.name() + " has it");
                });
        ioThreads.stop(name);
        metrics.remove(shownIoThreads.remove(name));
        config = config.withoutIothread(name);
    }

    private void show(String drive, List<DeviceHost> hosts) {
        List<IoThread> servedBy = hosts.stream().filter(host -> host.config().drive().equals(drive))
                .flatMap(host -> host.ioThreadOfQueue().stream()).toList();
        DriveFacts facts = DriveFacts.of(config.drives().get(drive), nodes.get(drive), servedBy, uring);
        drives.put(drive, facts);
        metrics.add(facts);
    }

    private IoThreadView show(IoThread ioThread) {
        IoThreadView view = new IoThreadView(ioThread.name(), ioThread.counters());
        metrics.add(view);
        return view;
    }

    private ServedDevice serve(DeviceConfig device) {
        List<IoThread> assigned = ioThreads.assign(device, device.queues().count());
        try {
            DeviceHost host = new DeviceHost(
                    system, device, nodes.get(device.drive()), assigned, blocking, config.shutdownTimeout().toNanos());
            host.quiescence().waitForGo();
            estate.check(host);
            return ServedDevice.of(host, transport -> estate.listen(device, transport));
        } catch (RuntimeException | Error e) {
            ioThreads.release(assigned);
            throw e;
        }
    }

    /** Hangs up on a device's front-end, and gives back what the device had but its drive. */
    private void forget(ServedDevice served) {
        served.server().ifPresent(VhostUserServer::close);
        served.socket().ifPresent(ListeningSocket::close);
        devices.remove(served);
        metrics.remove(served.host().status());
        ioThreads.release(served.host().ioThreadOfQueue());
    }

    /**
     * Opens a socket as it is configured.
     *
     * @throws TransportException why it cannot be made, where the configuration names it
     * @throws io.vireo.actors.vhostuser.SocketInUseException somebody serves it
     */
    public static ListeningSocket listen(TransportConfig.Listening transport) {
        try {
            return ListeningSocket.open(transport);
        } catch (UncheckedIOException e) {
            throw new TransportException(transport, e.getCause().toString(), e);
        } catch (PosixException | IllegalArgumentException e) {
            throw new TransportException(transport, e.getMessage(), e);
        }
    }

    public List<DeviceHost> devices() {
        return devices.stream().map(ServedDevice::host).toList();
    }

    /** What a device's drive really is; null when the device has just gone. */
    public DriveFacts drive(String nodeName) {
        return drives.get(nodeName);
    }

    /**
     * As {@link DeviceHost#resize}; every device on the same drive gets the size.
     *
     * @throws IllegalStateException also: it is to become smaller, and has other devices
     */
    public synchronized void resize(DeviceHost host, OptionalLong wantedBytes, boolean mayShrink) {
        List<DeviceHost> others = sharers(host);
        if (mayShrink && !others.isEmpty()) {
            throw new IllegalStateException("its drive has other devices: " + others.getFirst().name());
        }
        host.resize(wantedBytes, mayShrink);
        others.forEach(DeviceHost::resized);
    }

    /** The other devices on a device's drive. */
    public List<DeviceHost> sharers(DeviceHost host) {
        return devices().stream().filter(other -> other != host && other.config().drive().equals(host.config().drive())).toList();
    }

    /** Who drives a device now. */
    public Optional<PeerCredentials> client(DeviceHost host) {
        return devices.stream().filter(served -> served.host() == host).findFirst()
                .flatMap(ServedDevice::server).flatMap(VhostUserServer::client);
    }

    public IoThreads ioThreads() {
        return ioThreads;
    }

    /** Names of devices whose client is still connected. */
    public List<String> connectedClients() {
        return devices.stream().map(ServedDevice::host).filter(host -> host.status().clientConnected()).map(DeviceHost::name).toList();
    }

    /**
     * Takes no more requests, completes what is in flight and stops.
     *
     * @return what did not stop in time, in words; empty when all did
     */
    public List<String> stop(Duration timeout) {
        List<String> hanging = new ArrayList<>();
        long deadline = System.nanoTime() + timeout.toNanos();
        for (ServedDevice device : devices) device.server().ifPresent(VhostUserServer::stop);
        for (ServedDevice device : devices) {
            try {
                Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
                if (device.server().isEmpty()) continue;
                // A client that left earlier may have left something in flight that its reset gave up.
                boolean stopped = device.server().get().awaitStopped(left);
                if (!stopped || device.host().status().inflightRequests() > 0) hanging.add(device.host().status().describeInFlight());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return hanging;
    }

    /** Removes every socket that was made here, of devices that hang too. */
    public void removeSockets() {
        for (ServedDevice device : devices) device.socket().ifPresent(ListeningSocket::close);
    }

    /** Stops if need be and releases everything. */
    @Override
    public synchronized void close() {
        closed = true;
        stop(config.shutdownTimeout());
        List.copyOf(devices).forEach(this::forget);
        ioThreads.close();
        nodes.values().forEach(BlockNode::close);
        nodes.clear();
        blocking.shutdown();
    }
}
