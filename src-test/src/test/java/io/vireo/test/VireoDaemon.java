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
        Child child = Vireo.start(home, prefix, List.of("serve", conf.toString()));
        try {
            for (String device : devices) {
                Pattern named = Pattern.compile("\\b" + Pattern.quote(device) + "\\b");
                child.awaitOut(0, named.asPredicate(), "that " + device + " is ready", Vireo.PATIENCE);
            }
        } catch (AssertionError e) {
            child.close();
            throw e;
        }
        return new VireoDaemon(child, metricsPort);
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
