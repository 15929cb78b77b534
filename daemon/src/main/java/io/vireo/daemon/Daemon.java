package io.vireo.daemon;

import akka.actor.typed.ActorSystem;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vireo.actors.monitor.CommandTable;
import io.vireo.actors.monitor.DeviceCommands;
import io.vireo.actors.monitor.DeviceResize;
import io.vireo.actors.monitor.IoErrorEvents;
import io.vireo.actors.monitor.MonitorCommand;
import io.vireo.actors.monitor.MonitorServer;
import io.vireo.actors.monitor.PlugCommands;
import io.vireo.actors.monitor.QueryCounters;
import io.vireo.actors.monitor.QueryDevices;
import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.actors.vhostuser.ListeningSocket;
import io.vireo.config.MetricsConfig;
import io.vireo.config.VireoConfig;
import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.monitoring.metrics.JvmMeters;
import io.vireo.monitoring.metrics.MeterBinding;
import io.vireo.monitoring.metrics.MetricsServer;
import io.vireo.monitoring.metrics.VireoMetrics;
import java.io.IOException;
import java.net.UnknownHostException;
import java.util.ArrayList;
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
                ListeningSocket control = listenForControl();
                DataPlane plane = DataPlane.start(system, config, metrics, mayUseUring());
                // To its end: whoever waits for a drain wants to see it.
                MonitorServer _ = startMonitor(system, control, plane)) {
            plane.devices().forEach(device -> System.out.println(readyLine(device)));
            System.out.flush();
            String signal = signals.await();
            List<String> clients = plane.connectedClients();
            log.info("{}: stopping{}", signal, clients.isEmpty() ? "" : "; leaving the clients of " + String.join(", ", clients));
            long errorsBefore = reportedErrors(plane);
            List<String> hanging = plane.stop(config.shutdownTimeout());
            return end(log, signal, hanging, reportedErrors(plane) - errorsBefore, plane, control);
        } finally {
            system.terminate();
            LogSetup.flush();
        }
    }

    /** Whether io_uring is to be used where the host has it. */
    static boolean mayUseUring() {
        return !"no".equals(System.getProperty(URING_PROPERTY));
    }

    private static long reportedErrors(DataPlane plane) {
        return plane.devices().stream().mapToLong(DeviceHost::reportedErrors).sum();
    }

    /** @param errors requests that a drive has failed while it stopped, and that were answered so */
    private int end(Logger log, String signal, List<String> hanging, long errors, DataPlane plane, ListeningSocket control) {
        RateLimitedLog.summarise(log, System.nanoTime());
        if (hanging.isEmpty()) {
            if (errors == 0) LogSetup.lastWords().info("ended by {}: everything in flight was completed", signal);
            else LogSetup.lastWords().warn("ended by {}: {} of the requests in flight failed, as their guests were told", signal, errors);
            return ExitStatus.DONE;
        }
        hanging.forEach(log::error);
        plane.removeSockets();
        if (control != null) control.close();
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

    /** Null when none is configured. */
    private ListeningSocket listenForControl() {
        if (config.control().isEmpty()) return null;
        DataPlane.check(config);
        return DataPlane.listen(config.control().get());
    }

    private static MonitorServer startMonitor(ActorSystem<?> system, ListeningSocket control, DataPlane plane) {
        if (control == null) return null;
        List<MonitorCommand> commands = new ArrayList<>(DeviceCommands.of(plane));
        commands.add(DeviceResize.of(plane));
        commands.addAll(PlugCommands.of(plane));
        commands.add(QueryDevices.of(plane));
        commands.add(QueryCounters.of(plane));
        MonitorServer monitor =
                MonitorServer.start(system, control.socket(), new CommandTable(Version.current(), commands));
        plane.onDevice(host -> host.onIoError(new IoErrorEvents(host, monitor::emit)));
        return monitor;
    }

    private static String readyLine(DeviceHost device) {
        String at = device.config().transport().map(Sockets::describe).orElse("nowhere");
        return "device " + device.name() + " ready at " + at + ": drive " + device.drive() + ", "
                + device.properties().capacityBytes() + " bytes, " + device.properties().numQueues() + " queue(s) on "
                + String.join(", ", device.ioThreads());
    }
}
