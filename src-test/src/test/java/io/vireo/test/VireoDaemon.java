package io.vireo.test;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;

/** A running {@code ./vireo serve}, ready when it says so. */
public final class VireoDaemon implements AutoCloseable {
    private final Child child;
    private final int metricsPort;

    private VireoDaemon(Child child, int metricsPort) {
        this.child = child;
        this.metricsPort = metricsPort;
    }

    /** Starts it on {@code conf}, which serves metrics at {@code metricsPort}, and waits for one line per device. */
    public static VireoDaemon serve(Path home, List<String> prefix, Path conf, int metricsPort, String... devices) {
        VireoDaemon daemon =
                new VireoDaemon(Vireo.start(home, prefix, List.of("serve", conf.toString())), metricsPort);
        try {
            daemon.awaitReady(devices);
        } catch (AssertionError e) {
            daemon.close();
            throw e;
        }
        return daemon;
    }

    /** Starts one that takes over from the one that serves {@code conf}; does not wait. */
    public static VireoDaemon takeOver(Path conf, int metricsPort) {
        return new VireoDaemon(
                Vireo.start(Vireo.HOME, List.of(), List.of("serve", "--takeover", conf.toString())), metricsPort);
    }

    /** Waits for one line per device. */
    public void awaitReady(String... devices) {
        for (String device : devices) {
            Pattern named = Pattern.compile("\\b" + Pattern.quote(device) + "\\b");
            child.awaitOut(0, named.asPredicate(), "that " + device + " is ready", Vireo.PATIENCE);
        }
    }

    public boolean isAlive() {
        return child.isAlive();
    }

    /** Waits for its end, which something else brings about; answers the exit status. */
    public int awaitExit(Duration within) {
        return child.awaitExit(within);
    }

    public long pid() {
        return child.pid();
    }

    public Scrape scrape() {
        return Scrape.of(metricsPort);
    }

    public List<String> err() {
        return child.err();
    }

    /** SIGTERM, then waits for the end; answers the exit status. */
    public int terminate(Duration within) {
        child.terminate();
        return child.awaitExit(within);
    }

    public AssertionError failure(String what) {
        return child.failure(what);
    }

    @Override
    public void close() {
        child.close();
    }
}
