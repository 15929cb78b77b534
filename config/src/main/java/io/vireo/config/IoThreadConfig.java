package io.vireo.config;

import java.time.Duration;
import java.util.List;

/**
 * One IOThread.
 *
 * @param cpus where its thread may run; empty = wherever the process may
 * @param pollMax the longest it polls before it sleeps; zero = it never polls
 * @param pollGrow factor of the polling window when it proved too short
 * @param pollShrink divisor of the polling window when it proved useless; 0 = back to nothing at once
 * @param batchMax requests taken from one virtqueue in one turn
 */
public record IoThreadConfig(
        String name, List<Integer> cpus, Duration pollMax, int pollGrow, int pollShrink, int batchMax, Origin origin) {
    public static final Duration POLL_MAX = Duration.ofNanos(32_000);
    public static final int POLL_GROW = 2;
    public static final int POLL_SHRINK = 0;
    public static final int BATCH_MAX = 64;

    public IoThreadConfig {
        cpus = List.copyOf(cpus);
        if (batchMax < 1) throw new IllegalArgumentException("batch-max=" + batchMax);
    }

    /** Unpinned, with the default polling. */
    public static IoThreadConfig of(String name) {
        return new IoThreadConfig(name, List.of(), POLL_MAX, POLL_GROW, POLL_SHRINK, BATCH_MAX, Origin.PROGRAM);
    }

    public IoThreadConfig withCpus(List<Integer> newCpus) {
        return new IoThreadConfig(name, newCpus, pollMax, pollGrow, pollShrink, batchMax, origin);
    }

    public IoThreadConfig withPollMax(Duration newPollMax) {
        return new IoThreadConfig(name, cpus, newPollMax, pollGrow, pollShrink, batchMax, origin);
    }
}
