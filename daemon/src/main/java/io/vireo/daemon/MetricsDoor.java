package io.vireo.daemon;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vireo.config.MetricsConfig;
import io.vireo.monitoring.metrics.MetricsServer;
import java.io.IOException;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where the metrics are to be had, if anywhere; the address can be left to another process and taken back. */
final class MetricsDoor implements AutoCloseable {
    private static final long REOPENED_WITHIN_NANOS = 10_000_000_000L;
    private static final long LOOK_AGAIN_NANOS = 50_000_000;
    private static final Logger LOG = LoggerFactory.getLogger(MetricsDoor.class);

    private final Optional<MetricsConfig> where;
    private final PrometheusMeterRegistry registry;
    /** Null while it is closed. */
    private MetricsServer server;

    private MetricsDoor(Optional<MetricsConfig> where, PrometheusMeterRegistry registry) {
        this.where = where;
        this.registry = registry;
    }

    /** @throws OperatorException the address cannot be had */
    static MetricsDoor open(Optional<MetricsConfig> where, PrometheusMeterRegistry registry) {
        MetricsDoor door = new MetricsDoor(where, registry);
        door.open();
        return door;
    }

    private synchronized void open() {
        if (where.isEmpty()) return;
        MetricsConfig metrics = where.get();
        try {
            server = MetricsServer.start(metrics.host(), metrics.port(), registry);
        } catch (UnknownHostException e) {
            throw new OperatorException(ExitStatus.USAGE, metrics.origin().message(e.getMessage()));
        } catch (IOException e) {
            throw new OperatorException(ExitStatus.IN_USE, metrics.origin().message(e.getMessage()));
        }
    }

    /** After {@link #close}: waits for who has the address meanwhile, and goes on without it if that takes long. */
    void reopen() {
        long deadline = System.nanoTime() + REOPENED_WITHIN_NANOS;
        while (true) {
            try {
                open();
                return;
            } catch (OperatorException e) {
                if (System.nanoTime() - deadline > 0) {
                    LOG.error("{}: no metrics until the next start", e.getMessage());
                    return;
                }
                LockSupport.parkNanos(LOOK_AGAIN_NANOS);
            }
        }
    }

    @Override
    public synchronized void close() {
        if (server != null) server.close();
        server = null;
    }
}
