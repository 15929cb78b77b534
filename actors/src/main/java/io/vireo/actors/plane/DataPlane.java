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
import io.vireo.monitoring.log.RateLimitedLog;
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
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
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
    private final List<Served> devices = new CopyOnWriteArrayList<>();
    /** Removed with requests that have not come back. */
    private final List<DeviceHost> leaving = new CopyOnWriteArrayList<>();
    private final Map<String, IoThreadView> shownIoThreads = new HashMap<>();
    private volatile VireoConfig config;
    private Consumer<DeviceHost> onDevice = _ -> {};
    private boolean closed;

    /** A device and, when it has one, its socket. */
    private record Served(DeviceHost host, Optional<ListeningSocket> socket, Optional<VhostUserServer> server) {}

    private DataPlane(ActorSystem<?> system, VireoConfig config, VireoMetrics metrics, boolean uring) {
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
        DataPlane plane = new DataPlane(system, config, metrics, uring);
        try {
            plane.add(_ -> config);
            return plane;
        } catch (RuntimeException | Error e) {
            plane.close();
            throw e;
        }
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
        List<Served> added = new ArrayList<>();
        try {
            for (DriveConfig drive : more.drives().values()) {
                nodes.put(drive.nodeName(), Nodes.open(drive, !whole.isIncoming(drive)));
                undo.push(() -> nodes.remove(drive.nodeName()).close());
            }
            for (IoThreadConfig ioThread : more.iothreads().values()) {
                ioThreads.start(ioThread);
                undo.push(() -> ioThreads.stop(ioThread.name()));
            }
            for (DeviceConfig device : more.devices().values()) {
                Served served = serve(device);
                undo.push(() -> forget(served));
                added.add(served);
            }
        } catch (RuntimeException | Error e) {
            undo.forEach(Runnable::run);
            throw e;
        }
        config = whole;
        List<DeviceHost> hosts = Stream.concat(devices.stream(), added.stream()).map(Served::host).toList();
        Set<String> changed = new HashSet<>(more.drives().keySet());
        more.devices().values().forEach(device -> changed.add(device.drive()));
        changed.forEach(drive -> show(drive, hosts));
        for (IoThread ioThread : ioThreads.all()) shownIoThreads.computeIfAbsent(ioThread.name(), _ -> show(ioThread));
        for (Served served : added) {
            devices.add(served);
            metrics.add(served.host());
            onDevice.accept(served.host());
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
        Served served = devices.stream().filter(each -> each.host().name().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no device " + name));
        DeviceHost host = served.host();
        if (force) host.giveUpInFlight();
        else host.cease();
        forget(served);
        config = config.withoutDevice(name);
        if (host.whenNothingIsLost().isDone()) removed(host);
        else {
            leaving.add(host);
            host.whenNothingIsLost().whenCompleteAsync((_, _) -> {
                synchronized (this) {
                    leaving.remove(host);
                    removed(host);
                }
            }, blocking);
        }
    }

    /** Nothing of a device is left; its drive goes with the last one. */
    private void removed(DeviceHost host) {
        String drive = host.drive();
        boolean used = Stream.concat(devices().stream(), leaving.stream()).anyMatch(other -> other.drive().equals(drive));
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
        Stream.concat(devices().stream(), leaving.stream()).filter(host -> host.ioThreads().contains(name)).findFirst()
                .ifPresent(host -> {
                    throw new IllegalStateException("device " + host.name() + " has it");
                });
        ioThreads.stop(name);
        metrics.remove(shownIoThreads.remove(name));
        config = config.withoutIothread(name);
    }

    private void show(String drive, List<DeviceHost> hosts) {
        List<IoThread> servedBy = hosts.stream().filter(host -> host.drive().equals(drive))
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

    private Served serve(DeviceConfig device) {
        List<IoThread> assigned = ioThreads.assign(device, device.queues().count());
        try {
            DeviceHost host = new DeviceHost(
                    system, device, nodes.get(device.drive()), assigned, blocking, config.shutdownTimeout().toNanos());
            Optional<ListeningSocket> socket = device.transport().filter(TransportConfig.Listening.class::isInstance)
                    .map(transport -> listen((TransportConfig.Listening) transport));
            Optional<VhostUserServer> server = socket.isPresent()
                    ? socket.map(listening -> startServer(device, host, listening))
                    : device.transport().map(transport -> startServer(device, host, (TransportConfig.SocketPeer) transport));
            return new Served(host, socket, server);
        } catch (RuntimeException | Error e) {
            ioThreads.release(assigned);
            throw e;
        }
    }

    /** Hangs up on a device's front-end, and gives back what the device had but its drive. */
    private void forget(Served served) {
        served.server().ifPresent(VhostUserServer::close);
        served.socket().ifPresent(ListeningSocket::close);
        devices.remove(served);
        metrics.remove(served.host());
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

    private static VhostUserServer startServer(DeviceConfig device, DeviceHost host, ListeningSocket listening) {
        try {
            RateLimitedLog log = new RateLimitedLog(LOG, device.name(), device.labels());
            VhostUserExport export = new VhostUserExport(host);
            return attach(host, export, VhostUserServer.start(device.name(), listening.socket(), export, log));
        } catch (RuntimeException | Error e) {
            listening.close();
            throw e;
        }
    }

    private static VhostUserServer startServer(DeviceConfig device, DeviceHost host, TransportConfig.SocketPeer peer) {
        RateLimitedLog log = new RateLimitedLog(LOG, device.name(), device.labels());
        VhostUserExport export = new VhostUserExport(host);
        return attach(host, export, VhostUserServer.connect(device.name(), peer.path(), export, log));
    }

    private static VhostUserServer attach(DeviceHost host, VhostUserExport export, VhostUserServer server) {
        host.connectedWhen(server::clientConnected);
        host.onFailure(server::deviceFailed);
        export.onConfigChange(server::configChanged);
        host.onConfigChange(export::configChanged);
        return server;
    }

    public List<DeviceHost> devices() {
        return devices.stream().map(Served::host).toList();
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
    public void resize(DeviceHost host, OptionalLong wantedBytes, boolean mayShrink) {
        List<DeviceHost> others = sharers(host);
        if (mayShrink && !others.isEmpty()) {
            throw new IllegalStateException("its drive has other devices: " + others.getFirst().name());
        }
        host.resize(wantedBytes, mayShrink);
        others.forEach(DeviceHost::resized);
    }

    /** The other devices on a device's drive. */
    public List<DeviceHost> sharers(DeviceHost host) {
        return devices().stream().filter(other -> other != host && other.drive().equals(host.drive())).toList();
    }

    /** Who drives a device now. */
    public Optional<PeerCredentials> client(DeviceHost host) {
        return devices.stream().filter(served -> served.host() == host).findFirst()
                .flatMap(Served::server).flatMap(VhostUserServer::client);
    }

    public IoThreads ioThreads() {
        return ioThreads;
    }

    /** Names of devices whose client is still connected. */
    public List<String> connectedClients() {
        return devices.stream().map(Served::host).filter(DeviceHost::clientConnected).map(DeviceHost::name).toList();
    }

    /**
     * Takes no more requests, completes what is in flight and stops.
     *
     * @return what did not stop in time, in words; empty when all did
     */
    public List<String> stop(Duration timeout) {
        List<String> hanging = new ArrayList<>();
        long deadline = System.nanoTime() + timeout.toNanos();
        for (Served device : devices) device.server().ifPresent(VhostUserServer::stop);
        for (Served device : devices) {
            try {
                Duration left = Duration.ofNanos(Math.max(0, deadline - System.nanoTime()));
                if (device.server().isEmpty()) continue;
                // A client that left earlier may have left something in flight that its reset gave up.
                boolean stopped = device.server().get().awaitStopped(left);
                if (!stopped || device.host().inflightRequests() > 0) hanging.add(device.host().describeInFlight());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        return hanging;
    }

    /** Removes every socket that was made here, of devices that hang too. */
    public void removeSockets() {
        for (Served device : devices) device.socket().ifPresent(ListeningSocket::close);
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
