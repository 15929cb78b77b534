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
import io.vireo.actors.plane.DriveException;
import io.vireo.actors.plane.Estate;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.actors.takeover.Handover;
import io.vireo.actors.takeover.Predecessor;
import io.vireo.actors.takeover.PredecessorGoneException;
import io.vireo.actors.vhostuser.ListeningSocket;
import io.vireo.actors.vhostuser.SocketInUseException;
import io.vireo.config.TransportConfig;
import io.vireo.config.VireoConfig;
import io.vireo.embed.Vireo;
import io.vireo.monitoring.log.RateLimitedLog;
import io.vireo.monitoring.metrics.JvmMeters;
import io.vireo.monitoring.metrics.MeterBinding;
import io.vireo.monitoring.metrics.VireoMetrics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process that serves: from a configuration to a signal. */
final class Daemon {
    /** Set to "no", the daemon leaves io_uring alone, as under a sandbox that refuses it. */
    private static final String URING_PROPERTY = "vireo.uring";

    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);
    private static final long LOOK_AGAIN_NANOS = 50_000_000;

    static final String NOTHING_TO_SERVE = "no devices: nothing to serve";

    private final VireoConfig config;

    Daemon(VireoConfig config) {
        this.config = config;
    }

    /** Serves until SIGTERM, SIGINT or SIGHUP; the exit status. */
    int run() throws IOException {
        begin();
        try {
            return serve(null);
        } finally {
            LogSetup.flush();
        }
    }

    /** As {@link #run}, but takes over from the daemon that runs by this configuration. One that dies meanwhile is replaced. */
    int takeOver() throws IOException {
        begin();
        try (Predecessor predecessor = predecessor()) {
            return serve(predecessor);
        } catch (PredecessorGoneException e) {
            LOG.warn("{}: starting without it", e.getMessage());
            return replace();
        } finally {
            LogSetup.flush();
        }
    }

    private void begin() {
        Signals.ofProcess();
        LogSetup.apply(config.log());
        if (config.devices().isEmpty()) LOG.warn(NOTHING_TO_SERVE);
    }

    private Predecessor predecessor() {
        TransportConfig.SocketPath control = config.control().orElseThrow(() -> new OperatorException(
                ExitStatus.USAGE, "a daemon is taken over at its control socket, and the configuration has no vireo.control.path"));
        try {
            return askedAt(control.path());
        } catch (QmpClient.HungUpException e) {
            throw new PredecessorGoneException();
        }
    }

    private static Predecessor askedAt(Path control) {
        QmpClient client = QmpClient.connect(control);
        try {
            client.execute(Handover.COMMAND, Map.of("version", Handover.VERSION));
            return new Predecessor(client.leave());
        } catch (RuntimeException e) {
            client.close();
            throw e;
        }
    }

    /** The kernel gives back what the dead process had when the last of its requests has ended. */
    private int replace() throws IOException {
        long deadline = System.nanoTime() + config.shutdownTimeout().toNanos();
        while (true) {
            try {
                return serve(null);
            } catch (DriveException | SocketInUseException | OperatorException e) {
                if (Main.exitStatus(e) != ExitStatus.IN_USE || System.nanoTime() - deadline > 0) throw e;
                LockSupport.parkNanos(LOOK_AGAIN_NANOS);
            }
        }
    }

    /** @param predecessor null when there is none */
    private int serve(Predecessor predecessor) throws IOException {
        VireoMetrics metrics = new VireoMetrics(Vireo.version());
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        ActorSystem<Void> system = PrivateActorSystem.start("vireo");
        try (MeterBinding _ = MeterBinding.bind(metrics, registry);
                JvmMeters _ = new JvmMeters(registry);
                Estate estate = predecessor == null ? Estate.nothing() : predecessor.estate();
                // Before the devices: what it is refused is refused before anything is made.
                MetricsDoor door = MetricsDoor.open(config.metrics(), registry);
                ListeningSocket control =
                        predecessor == null ? listenForControl() : predecessor.control(config.control().orElseThrow());
                DataPlane plane = DataPlane.prepare(system, config, metrics, mayUseUring(), estate)) {
            if (predecessor != null) take(predecessor, plane);
            plane.begin();
            if (predecessor != null) tookOver(predecessor, control, metrics);
            return serve(system, plane, control, door);
        } catch (RuntimeException | IOException e) {
            if (predecessor != null) predecessor.refuse(String.valueOf(e.getMessage()));
            throw e;
        } finally {
            system.terminate();
        }
    }

    private int serve(ActorSystem<?> system, DataPlane plane, ListeningSocket control, MetricsDoor door) throws IOException {
        Handover handover = control == null ? null : new Handover(plane, control.socket().fd(), surroundings(door));
        // To its end: whoever waits for a drain wants to see it.
        try (MonitorServer _ = startMonitor(system, control, plane, handover)) {
            plane.devices().forEach(device -> System.out.println(readyLine(device)));
            System.out.flush();
            String signal = Signals.ofProcess().await();
            if (handover != null) handover.close();
            List<String> clients = plane.connectedClients();
            LOG.info("{}: stopping{}", signal, clients.isEmpty() ? "" : "; leaving the clients of " + String.join(", ", clients));
            long errorsBefore = reportedErrors(plane);
            List<String> hanging = plane.stop(config.shutdownTimeout());
            return end(LOG, signal, hanging, reportedErrors(plane) - errorsBefore, plane, control);
        }
    }

    private static void take(Predecessor predecessor, DataPlane plane) {
        try {
            predecessor.adopt(plane);
            predecessor.take();
        } catch (PredecessorGoneException e) {
            throw e;
        } catch (RuntimeException | Error e) {
            predecessor.refuse(String.valueOf(e.getMessage()));
            int status = Main.report(e);
            LogSetup.flush();
            // What was adopted is the other daemon's still: to close it here would end it there.
            Runtime.getRuntime().halt(status);
        }
    }

    private static void tookOver(Predecessor predecessor, ListeningSocket control, VireoMetrics metrics) {
        long pauseNanos = System.nanoTime() - predecessor.sinceNanos();
        predecessor.bury();
        control.own();
        metrics.tookOver(pauseNanos);
        LOG.info("took over from process {}: guests waited {} ms", predecessor.pid(), pauseNanos / 1_000_000);
    }

    private static Handover.Surroundings surroundings(MetricsDoor door) {
        return new Handover.Surroundings() {
            @Override
            public void giveUp() {
                door.close();
            }

            @Override
            public void takeBack() {
                door.reopen();
            }

            @Override
            public void end(int successorPid) {
                RateLimitedLog.summarise(LOG, System.nanoTime());
                LogSetup.lastWords().info("ended: process {} has taken over", successorPid);
                LogSetup.flush();
                Runtime.getRuntime().halt(ExitStatus.DONE);
            }
        };
    }

    /** Whether io_uring is to be used where the host has it. */
    static boolean mayUseUring() {
        return !"no".equals(System.getProperty(URING_PROPERTY));
    }

    private static long reportedErrors(DataPlane plane) {
        return plane.devices().stream().mapToLong(host -> host.status().reportedErrors()).sum();
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
    private ListeningSocket listenForControl() {
        if (config.control().isEmpty()) return null;
        DataPlane.check(config);
        return DataPlane.listen(config.control().get());
    }

    private static MonitorServer startMonitor(
            ActorSystem<?> system, ListeningSocket control, DataPlane plane, Handover handover) {
        if (control == null) return null;
        List<MonitorCommand> commands = new ArrayList<>(DeviceCommands.of(plane));
        commands.add(DeviceResize.of(plane));
        commands.addAll(PlugCommands.of(plane));
        commands.add(QueryDevices.of(plane));
        commands.add(QueryCounters.of(plane));
        commands.add(handover.command());
        MonitorServer monitor =
                MonitorServer.start(system, control.socket(), new CommandTable(Vireo.version(), commands));
        plane.onDevice(host -> host.onIoError(new IoErrorEvents(host, monitor::emit)));
        return monitor;
    }

    private static String readyLine(DeviceHost device) {
        String at = device.config().transport().map(Sockets::describe).orElse("nowhere");
        return "device " + device.name() + " ready at " + at + ": drive " + device.config().drive() + ", "
                + device.properties().capacityBytes() + " bytes, " + device.properties().numQueues() + " queue(s) on "
                + String.join(", ", device.status().ioThreads());
    }
}
