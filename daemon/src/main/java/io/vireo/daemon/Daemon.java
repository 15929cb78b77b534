package io.vireo.daemon;

import akka.actor.typed.ActorSystem;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.config.MetricsConfig;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.monitoring.metrics.JvmMeters;
import io.vireo.monitoring.metrics.MeterBinding;
import io.vireo.monitoring.metrics.MetricsServer;
import io.vireo.monitoring.metrics.VireoMetrics;
import java.io.IOException;
import java.net.UnknownHostException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process that serves: from a configuration to a signal. */
final class Daemon {
    /** Set to "no", the daemon leaves io_uring alone, as under a sandbox that refuses it. */
    private static final String URING_PROPERTY = "vireo.uring";

    static final String NOTHING_TO_SERVE = "no devices: nothing to serve";

    private final VireoConfig config;

    Daemon(VireoConfig config) {
        this.config = config;
    }

    /** Serves until SIGTERM, SIGINT or SIGHUP; the exit status. */
    int run() throws IOException {
        Signals signals = Signals.ofProcess();
        LogSetup.apply(config.log());
        Logger log = LoggerFactory.getLogger(Daemon.class);
        if (config.devices().isEmpty()) log.warn(NOTHING_TO_SERVE);
        VireoMetrics metrics = new VireoMetrics(Version.current());
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        ActorSystem<Void> system = PrivateActorSystem.start("vireo");
        try (MeterBinding _ = MeterBinding.bind(metrics, registry);
                JvmMeters _ = new JvmMeters(registry);
                // Before the devices: what it is refused is refused before anything is made.
                MetricsServer _ = startMetrics(registry);
                DataPlane plane = DataPlane.start(system, config, metrics, mayUseUring())) {
            MadeSockets sockets = MadeSockets.of(config);
            plane.devices().forEach(device -> System.out.println(readyLine(device)));
            System.out.flush();
            String signal = signals.await();
            List<String> clients = plane.connectedClients();
            log.info("{}: stopping{}", signal, clients.isEmpty() ? "" : "; leaving the clients of " + String.join(", ", clients));
            List<String> hanging = plane.stop(config.shutdownTimeout());
            return end(log, signal, hanging, sockets);
        } finally {
            system.terminate();
            LogSetup.flush();
        }
    }

    /** Whether io_uring is to be used where the host has it. */
    static boolean mayUseUring() {
        return !"no".equals(System.getProperty(URING_PROPERTY));
    }

    private int end(Logger log, String signal, List<String> hanging, MadeSockets sockets) {
        RateLimitedLog.summarise(log, System.nanoTime());
        if (hanging.isEmpty()) {
            LogSetup.lastWords().info("ended by {}: everything in flight was completed and flushed", signal);
            return ExitStatus.DONE;
        }
        hanging.forEach(log::error);
        sockets.remove();
        LogSetup.lastWords().error("ended by {} with requests that never came back in {} s", signal, config.shutdownTimeout().toSeconds());
        LogSetup.flush();
        // What hangs holds threads and memory that nothing can wait for.
        Runtime.getRuntime().halt(ExitStatus.FAILED);
        return ExitStatus.FAILED;
    }

    /** Null when none is configured. */
    private MetricsServer startMetrics(PrometheusMeterRegistry registry) {
        if (config.metrics().isEmpty()) return null;
        MetricsConfig where = config.metrics().get();
        try {
            return MetricsServer.start(where.host(), where.port(), registry);
        } catch (UnknownHostException e) {
            throw new OperatorException(ExitStatus.USAGE, where.origin().message(e.getMessage()));
        } catch (IOException e) {
            throw new OperatorException(ExitStatus.IN_USE, where.origin().message(e.getMessage()));
        }
    }

    private static String readyLine(DeviceHost device) {
        String at = device.config().transport().map(transport -> switch (transport) {
            case TransportConfig.SocketPath path -> path.path().toString();
            case TransportConfig.SocketPeer peer -> peer.path() + " once its front-end listens";
            case TransportConfig.SocketFd inherited -> "descriptor " + inherited.fd();
        }).orElse("nowhere");
        return "device " + device.name() + " ready at " + at + ": drive " + device.drive() + ", "
                + device.properties().capacityBytes() + " bytes, " + device.properties().numQueues() + " queue(s) on "
                + String.join(", ", device.ioThreads());
    }
}
