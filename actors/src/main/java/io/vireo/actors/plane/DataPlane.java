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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that a configuration describes, running: IOThreads, drives, and devices with their sockets. Started whole or not
 * at all. Thread: one controlling thread at a time, never an IOThread.
 */
public final class DataPlane implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DataPlane.class);
    /** As QEMU's thread-pool-max. */
    private static final int BLOCKING_THREADS_MAX = 64;

    private final VireoConfig config;
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

    /** A device and, when it has one, its socket. */
    private record Served(DeviceHost host, Optional<ListeningSocket> socket, Optional<VhostUserServer> server) {}

    private DataPlane(ActorSystem<?> system, VireoConfig config, VireoMetrics metrics, boolean uring) {
        this.config = config;
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
            plane.open(system);
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

    private void open(ActorSystem<?> system) {
        check(config);
        for (DriveConfig drive : config.drives().values()) {
            nodes.put(drive.nodeName(), Nodes.open(drive, !config.isIncoming(drive)));
        }
        for (IoThreadConfig ioThread : config.iothreads().values()) ioThreads.start(ioThread);
        for (DeviceConfig device : config.devices().values()) serve(system, device);
        for (BlockNode node : nodes.values()) {
            List<IoThread> servedBy = devices().stream().filter(host -> host.drive().equals(node.nodeName()))
                    .flatMap(host -> host.ioThreadOfQueue().stream()).toList();
            DriveFacts facts = DriveFacts.of(config.drives().get(node.nodeName()), node, servedBy, uring);
            drives.put(node.nodeName(), facts);
            metrics.add(facts);
        }
        for (IoThread ioThread : ioThreads.all()) metrics.add(new IoThreadView(ioThread.name(), ioThread.counters()));
    }

    private void serve(ActorSystem<?> system, DeviceConfig device) {
        List<IoThread> assigned = ioThreads.assign(device, device.queues().count());
        DeviceHost host = new DeviceHost(
                system, device, nodes.get(device.drive()), assigned, blocking, config.shutdownTimeout().toNanos());
        // Kept before it is started: what fails half-way is closed by the same hand.
        Optional<ListeningSocket> socket = device.transport().filter(TransportConfig.Listening.class::isInstance)
                .map(transport -> listen((TransportConfig.Listening) transport));
        Optional<VhostUserServer> server = socket.isPresent()
                ? socket.map(listening -> startServer(device, host, listening))
                : device.transport().map(transport -> startServer(device, host, (TransportConfig.SocketPeer) transport));
        devices.add(new Served(host, socket, server));
        metrics.add(host);
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

    /** What a device's drive really is. */
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

    /** Stops if need be and releases everything. */
    @Override
    public void close() {
        stop(config.shutdownTimeout());
        for (Served device : devices) {
            device.server().ifPresent(VhostUserServer::close);
            device.socket().ifPresent(ListeningSocket::close);
            metrics.remove(device.host());
        }
        devices.clear();
        ioThreads.close();
        nodes.values().forEach(BlockNode::close);
        nodes.clear();
        blocking.shutdown();
    }
}
