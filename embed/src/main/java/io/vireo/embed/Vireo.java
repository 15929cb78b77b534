package io.vireo.embed;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.Config;
import io.micrometer.core.instrument.MeterRegistry;
import io.vireo.actors.iothread.IoThread;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.actors.plane.DriveException;
import io.vireo.actors.plane.DriveFacts;
import io.vireo.actors.plane.IoThreads;
import io.vireo.actors.plane.Nodes;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.config.ConfigException;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.DriveConfig.FileDrive;
import io.vireo.config.DriveConfig.HostDeviceDrive;
import io.vireo.config.IoThreadConfig;
import io.vireo.config.VireoConfig;
import io.vireo.monitoring.metrics.IoThreadView;
import io.vireo.monitoring.metrics.MeterBinding;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.storage.node.BlockNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A storage data plane inside the embedder's process: IOThreads, and the devices opened on them. Any number of them may
 * be in one JVM. It opens no port, installs no hook and never ends the JVM; the log goes where the application's slf4j
 * sends it.
 *
 * <p>Thread: any; calls wait for each other.
 */
public final class Vireo implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Vireo.class);
    /** As QEMU's thread-pool-max; threads that are not needed end after a while. */
    private static final int BLOCKING_THREADS_MAX = 64;

    private static final int BLOCKING_IDLE_SECONDS = 5;
    private static final int END_SECONDS_MAX = 30;

    private VireoConfig config;
    private final Optional<ActorSystem<Void>> ownSystem;
    private final ActorSystem<?> system;
    private final VireoMetrics metrics = new VireoMetrics(version());
    private final Optional<MeterBinding> meters;
    private final ThreadPoolExecutor blocking;
    private final IoThreads ioThreads;
    private final Map<String, VirtioBlkDevice> devices = new LinkedHashMap<>();
    private final List<CompletableFuture<Void>> ending = new ArrayList<>();
    private final Map<String, IoThreadView> shown = new HashMap<>();
    private boolean closed;
    private boolean ended;

    private Vireo(Builder from) {
        JvmFlags.require();
        config = from.config;
        ownSystem = from.system == null ? Optional.of(PrivateActorSystem.start("vireo")) : Optional.empty();
        system = ownSystem.<ActorSystem<?>>map(own -> own).orElse(from.system);
        blocking = new ThreadPoolExecutor(
                BLOCKING_THREADS_MAX, BLOCKING_THREADS_MAX, BLOCKING_IDLE_SECONDS, TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                work -> Thread.ofPlatform().daemon().name("vireo-blocking").unstarted(work));
        blocking.allowCoreThreadTimeOut(true);
        ioThreads = new IoThreads(system, blocking, true);
        meters = Optional.ofNullable(from.registry).map(registry -> MeterBinding.bind(metrics, registry));
    }

    /** What a {@link Vireo} is made of; everything has a default. */
    public static final class Builder {
        private VireoConfig config = VireoConfig.empty();
        private ActorSystem<?> system;
        private MeterRegistry registry;

        private Builder() {}

        /** Runs in a given ActorSystem, which stays the caller's; without one, in one of its own. */
        public Builder actorSystem(ActorSystem<?> newSystem) {
            system = newSystem;
            return this;
        }

        /** Shows its numbers in a registry, until closed. */
        public Builder meterRegistry(MeterRegistry newRegistry) {
            registry = newRegistry;
            return this;
        }

        /** One more IOThread; devices that name none share a pool of one per two cpus. */
        public Builder iothread(IoThreadConfig iothread) {
            config = config.withIothread(iothread);
            return this;
        }

        /**
         * A configuration as the daemon's, whose devices need no transport; its metrics and log settings are ignored. To
         * be called before {@link #iothread}.
         *
         * @throws VireoException everything that is wrong with it
         */
        public Builder config(Config hocon) {
            return config(() -> ConfigLoader.of(hocon, Cpus.online()));
        }

        /** As {@link #config(Config)}, of a file. */
        public Builder config(Path file) {
            return config(() -> ConfigLoader.embedded(file, Cpus.online()));
        }

        private Builder config(Supplier<VireoConfig> loaded) {
            try {
                config = loaded.get();
                return this;
            } catch (ConfigException e) {
                throw new VireoException(e);
            }
        }

        /** @throws IllegalStateException JVM flags are missing; names them */
        public Vireo start() {
            Vireo vireo = new Vireo(this);
            try {
                vireo.startIoThreads();
                return vireo;
            } catch (RuntimeException | Error e) {
                vireo.close();
                throw e;
            }
        }
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Starts with a configuration and defaults for the rest; {@link #open(String)} opens what it describes. */
    public static Vireo of(Config hocon) {
        return builder().config(hocon).start();
    }

    /** The devices that the configuration describes, open or not, by name. */
    public synchronized List<String> configuredDevices() {
        return List.copyOf(config.devices().keySet());
    }

    /** As {@link #open(String, int)}, with one virtqueue by default. */
    public VirtioBlkDevice open(String device) {
        return open(device, 1);
    }

    /**
     * Opens a device that the configuration describes, and its drive.
     *
     * @param defaultQueueCount how many virtqueues it has if its num-queues does not say
     * @throws IllegalArgumentException there is no such device
     * @throws VireoException the image cannot be opened
     */
    public VirtioBlkDevice open(String device, int defaultQueueCount) {
        DeviceConfig described = described(device);
        int configured = described.queues().count();
        DeviceConfig sized = described.withQueues(
                described.queues().withCount(configured == 0 ? defaultQueueCount : configured));
        return open(config.drives().get(described.drive()), sized);
    }

    /** As {@link #open(String, Path, int)}, with one virtqueue. */
    public VirtioBlkDevice open(String device, Path image) {
        return open(device, image, 1);
    }

    /**
     * Opens a raw image, or a block device, as a device with defaults for the rest.
     *
     * @throws VireoException the image cannot be opened
     */
    public VirtioBlkDevice open(String device, Path image, int queueCount) {
        // A name that none of a configuration's drives can have.
        String drive = "#" + device;
        boolean isDevice = Files.exists(image) && !Files.isRegularFile(image);
        DeviceConfig described = DeviceConfig.of(device, drive);
        return open(isDevice ? HostDeviceDrive.of(drive, image) : FileDrive.of(drive, image),
                described.withQueues(described.queues().withCount(queueCount)));
    }

    /**
     * Opens a drive and a device on it. Blocks for as long as opening the image does.
     *
     * @throws VireoException the image cannot be opened
     * @throws IllegalArgumentException the device names another drive, or an IOThread that is not there
     * @throws IllegalStateException a device of this name is open
     */
    public synchronized VirtioBlkDevice open(DriveConfig drive, DeviceConfig device) {
        if (closed) throw new IllegalStateException("closed");
        check(drive, device);
        int queueCount = Math.max(1, device.queues().count());
        BlockNode node = node(drive);
        try {
            List<IoThread> assigned = ioThreads.assign(device, queueCount);
            showIoThreads();
            DeviceHost host = new DeviceHost(
                    system, device, node, assigned, blocking, config.shutdownTimeout().toNanos());
            DriveFacts facts = DriveFacts.of(drive, node, assigned, true);
            VirtioBlkDevice opened = new VirtioBlkDevice(
                    host, node, blocking, (closing, done) -> onClose(closing, facts, assigned, done));
            metrics.add(facts);
            metrics.add(host.status());
            devices.put(device.name(), opened);
            return opened;
        } catch (RuntimeException | Error e) {
            node.close();
            throw e;
        }
    }

    /**
     * Starts one more IOThread, which devices that are opened from now on may name.
     *
     * @throws IllegalArgumentException there is one of this name
     */
    public synchronized void addIoThread(IoThreadConfig iothread) {
        if (closed) throw new IllegalStateException("closed");
        ioThreads.start(iothread);
        config = config.withIothread(iothread);
        showIoThreads();
    }

    /**
     * Ends an IOThread that was configured or added.
     *
     * @throws IllegalArgumentException there is none of this name
     * @throws IllegalStateException a device has it, or had it and requests of it are still in flight
     */
    public synchronized void removeIoThread(String name) {
        if (!config.iothreads().containsKey(name)) throw new IllegalArgumentException("no iothread " + name);
        for (VirtioBlkDevice device : devices.values()) {
            if (device.host().status().ioThreads().contains(name)) throw new IllegalStateException("device " + device.name() + " has it");
        }
        if (!ending.stream().allMatch(CompletableFuture::isDone)) throw new IllegalStateException("requests are still in flight");
        ioThreads.stop(name);
        metrics.remove(shown.remove(name));
        config = config.withoutIothread(name);
    }

    /**
     * Closes the devices that are open, and ends its threads. May be called again.
     *
     * @throws IllegalStateException requests did not come back from a drive; their IOThreads and memory are left alone
     */
    @Override
    public void close() {
        List<VirtioBlkDevice> open;
        synchronized (this) {
            closed = true;
            open = List.copyOf(devices.values());
        }
        RuntimeException hanging = null;
        for (VirtioBlkDevice device : open) {
            try {
                device.close();
            } catch (IllegalStateException e) {
                hanging = e;
            }
        }
        synchronized (this) {
            if (ended) return;
            meters.ifPresent(MeterBinding::close);
            if (hanging != null || !ending.stream().allMatch(CompletableFuture::isDone)) {
                throw new IllegalStateException("requests are still in flight; their IOThreads stay", hanging);
            }
            ended = true;
            ioThreads.close();
            ownSystem.ifPresent(Vireo::terminate);
            blocking.shutdown();
            awaitBlocking();
        }
    }

    private void startIoThreads() {
        config.warnings().forEach(warning -> LOG.warn("{}", warning));
        config.iothreads().values().forEach(ioThreads::start);
        showIoThreads();
    }

    private void showIoThreads() {
        for (IoThread ioThread : ioThreads.all()) {
            shown.computeIfAbsent(ioThread.name(), name -> {
                IoThreadView view = new IoThreadView(name, ioThread.counters());
                metrics.add(view);
                return view;
            });
        }
    }

    private static BlockNode node(DriveConfig drive) {
        try {
            return Nodes.open(drive);
        } catch (DriveException e) {
            throw new VireoException(e);
        }
    }

    private synchronized DeviceConfig described(String device) {
        DeviceConfig described = config.devices().get(device);
        if (described != null) return described;
        throw new IllegalArgumentException("no device " + device + " is configured; there are " + config.devices().keySet());
    }

    private void check(DriveConfig drive, DeviceConfig device) {
        if (!drive.nodeName().equals(device.drive())) {
            throw new IllegalArgumentException(
                    "device " + device.name() + " wants drive " + device.drive() + ", not " + drive.nodeName());
        }
        for (DeviceConfig.QueueAssignment share : device.iothreads()) {
            if (!config.iothreads().containsKey(share.iothread())) {
                throw new IllegalArgumentException("device " + device.name() + ": no iothread " + share.iothread());
            }
        }
        if (devices.containsKey(device.name())) throw new IllegalStateException("device " + device.name() + " is open");
    }

    private synchronized void onClose(
            VirtioBlkDevice device, DriveFacts drive, List<IoThread> assigned, CompletableFuture<Void> done) {
        devices.remove(device.name());
        metrics.remove(device.host().status());
        metrics.remove(drive);
        ioThreads.release(assigned);
        ending.removeIf(CompletableFuture::isDone);
        ending.add(done);
    }

    private static void terminate(ActorSystem<Void> system) {
        system.terminate();
        try {
            system.getWhenTerminated().toCompletableFuture().get(END_SECONDS_MAX, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.error("the actor system did not end", e);
        }
    }

    private void awaitBlocking() {
        try {
            if (!blocking.awaitTermination(END_SECONDS_MAX, TimeUnit.SECONDS)) LOG.error("a blocking call does not end");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The version that was built, such as {@code 1.2.3}; {@code unbuilt} outside of a jar. */
    public static String version() {
        String built = Vireo.class.getPackage().getImplementationVersion();
        return built == null ? "unbuilt" : built;
    }
}
