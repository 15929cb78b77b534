package io.vireo.monitoring.metrics;

import java.util.List;
import java.util.Map;

/**
 * One device as a scrape sees it.
 *
 * <p>Thread: asked by any scraping thread while the IOThreads work, so answers come from final or volatile fields and never wait
 * for an IOThread: a stuck device must still show. Name and labels do not change while the view is registered.
 */
public interface DeviceView {
    /** Unique among the devices. */
    String name();

    /** The operator's labels, {@code vm} and {@code tenant} above all; empty when none. */
    Map<String, String> labels();

    /** The node name of the device's drive. */
    String drive();

    /** Names of the IOThreads that serve its queues, each once. */
    List<String> ioThreads();

    /** One word in lower case. */
    String state();

    boolean clientConnected();

    /** One per IOThread that serves or ever served it: an entry that was there stays, or totals would go backwards. */
    List<DeviceCounters> counters();

    /** Requests taken from the guest and not yet answered. */
    int inflightRequests();

    /** When the oldest request in flight was taken, by {@link System#nanoTime()}; 0 when there is none. */
    long oldestRequestNanos();
}
