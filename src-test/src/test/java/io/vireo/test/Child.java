package io.vireo.test;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A process that a test started: what it said so far, and waiting for what it is to say. Closing kills it. Any failure
 * to see the expected shows everything that the process said.
 */
public final class Child implements AutoCloseable {
    private final String name;
    private final Process process;
    private final List<String> out = new ArrayList<>();
    private final List<String> err = new ArrayList<>();
    private final Thread outReader;
    private final Thread errReader;

    private Child(String name, Process process) {
        this.name = name;
        this.process = process;
        this.outReader = Thread.ofVirtual().start(() -> read(process.getInputStream(), out));
        this.errReader = Thread.ofVirtual().start(() -> read(process.getErrorStream(), err));
    }

    public static Child start(String name, ProcessBuilder builder) {
        try {
            return new Child(name, builder.start());
        } catch (IOException e) {
            throw new AssertionError(name + " cannot be started: ./test installs what the tests need", e);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public synchronized List<String> out() {
        return List.copyOf(out);
    }

    public synchronized List<String> err() {
        return List.copyOf(err);
    }

    /** The index of the first line of stdout, from {@code fromIndex} on, that fits; waits for it. */
    public synchronized int awaitOut(int fromIndex, Predicate<String> fits, String what, Duration within) {
        long deadline = System.nanoTime() + within.toNanos();
        for (int i = fromIndex; ; i++) {
            while (i >= out.size()) {
                long leftMillis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (leftMillis <= 0) throw failure("did not say " + what + " within " + within.toSeconds() + " s");
                if (!outReader.isAlive()) throw failure("ended without saying " + what);
                pause(leftMillis);
            }
            if (fits.test(out.get(i))) return i;
        }
    }

    /** Writes a line to its stdin. */
    public void tell(String line) {
        try {
            process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().flush();
        } catch (IOException e) {
            throw new UncheckedIOException(failure("does not listen").getMessage(), e);
        }
    }

    /** SIGTERM. */
    public void terminate() {
        process.toHandle().destroy();   // Process.destroy would close the pipes, and its last words were lost
    }

    /** Waits for its end and for the end of its output; answers its exit status, 128 + n for signal n. */
    public int awaitExit(Duration within) {
        try {
            if (!process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS)) {
                throw failure("did not end within " + within.toSeconds() + " s");
            }
            outReader.join(within);
            errReader.join(within);
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    public AssertionError failure(String what) {
        return new AssertionError(name + " " + what
                + "\n--- stdout\n" + String.join("\n", out()) + "\n--- stderr\n" + String.join("\n", err()) + "\n---");
    }

    @Override
    public void close() {
        // The launcher becomes the JVM, but a shell may have stayed between: no child of it survives.
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        awaitExit(Duration.ofSeconds(30));
    }

    private void pause(long millis) {
        try {
            wait(millis);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void read(InputStream stream, List<String> lines) {
        try (var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) add(lines, line);
        } catch (IOException e) {
            add(lines, "(" + name + ": " + e.getMessage() + ")");
        } finally {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    private synchronized void add(List<String> lines, String line) {
        lines.add(line);
        notifyAll();
    }
}
