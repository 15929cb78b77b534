package io.vireo.monitoring.log;

import java.util.Comparator;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;

/**
 * Decides which of the lines that guests and clients provoke are written: 10 a second in all, but the first of each kind of
 * each device always. The others are counted, and told in one line later.
 *
 * <p>Firsts are charged like any line and may run the limit 10 s into debt, so that a burst of them is paid for by silence. Their
 * number is bounded: kinds are words of our code, and past {@value #MAX_KINDS} pairs a first has no privilege.
 *
 * <p>Thread: any, without locks; the pieces of one decision may interleave with another's. Times are of {@link System#nanoTime()}.
 */
public final class LogLimit {
    /** Pairs of device and kind that are told apart. */
    public static final int MAX_KINDS = 1024;

    private static final long SECOND = 1_000_000_000L;
    private static final long LINE_NANOS = SECOND / 10;
    /** A quiet log may write this many lines at once. */
    private static final long BURST_NANOS = 10 * LINE_NANOS;
    private static final long DEBT_NANOS = 10 * SECOND;
    private static final long SUMMARY_NANOS = 10 * SECOND;
    private static final int SUMMARY_KINDS = 8;

    private static final LogLimit SHARED = new LogLimit(System.nanoTime());

    private record Kind(String device, String name) {}

    private final Map<Kind, LongAdder> suppressedByKind = new ConcurrentHashMap<>();
    private final LongAdder suppressed = new LongAdder();
    /** When all lines written so far are paid for, at one line per {@link #LINE_NANOS}: ahead of now while in use. */
    private final AtomicLong paidAt;
    private final AtomicLong summarised = new AtomicLong();
    private final AtomicLong summaryDueAt;

    /** Starts with a full burst. */
    LogLimit(long nowNanos) {
        paidAt = new AtomicLong(nowNanos);
        summaryDueAt = new AtomicLong(nowNanos);
    }

    /** The limit of this process: the log is one, however many devices and data planes write to it. */
    public static LogLimit shared() {
        return SHARED;
    }

    /** Whether to write this line; when not, it has been counted. */
    boolean admits(String device, String kind, long nowNanos) {
        LongAdder tally = suppressedByKind.get(new Kind(device, kind));
        if (tally == null && suppressedByKind.size() < MAX_KINDS) {
            tally = suppressedByKind.putIfAbsent(new Kind(device, kind), new LongAdder());
            if (tally == null) {
                charge(nowNanos);
                return true;
            }
        }
        if (affords(nowNanos)) return true;
        // Ten seconds from the first line of a burst, not from the last summary: a burst shows whole in one line.
        if (suppressed.sum() == summarised.get()) summaryDueAt.set(nowNanos + SUMMARY_NANOS);
        if (tally != null) tally.increment();
        suppressed.increment();
        return false;
    }

    /** Lines not written since the process began. */
    public long suppressed() {
        return suppressed.sum();
    }

    /** Forgets a device that is gone for good: its name starts anew, and its place is free for others. */
    public void forget(String device) {
        suppressedByKind.keySet().removeIf(kind -> kind.device().equals(device));
    }

    /** One line on what was not written, when it is due: 10 s after the first such line. Charged as a line. */
    Optional<String> summaryIfDue(long nowNanos) {
        return nowNanos - summaryDueAt.get() < 0 ? Optional.empty() : summary(nowNanos);
    }

    /** The same at once, for the end of a run; empty when everything was written or told. */
    Optional<String> summary(long nowNanos) {
        long told = summarised.get();
        long lines = suppressed.sum() - told;
        if (lines == 0 || !summarised.compareAndSet(told, told + lines)) return Optional.empty();
        charge(nowNanos);
        return Optional.of("%d lines suppressed, at most 10 a second are written%s".formatted(lines, kinds()));
    }

    private String kinds() {
        record Count(Kind kind, long lines) {}
        var counts = suppressedByKind.entrySet().stream()
                .map(entry -> new Count(entry.getKey(), entry.getValue().sumThenReset()))
                .filter(count -> count.lines() > 0)
                .sorted(Comparator.comparingLong(Count::lines).reversed())
                .toList();
        if (counts.isEmpty()) return "";
        String most = counts.stream().limit(SUMMARY_KINDS)
                .map(count -> count.kind().device() + ' ' + count.kind().name() + ' ' + count.lines())
                .collect(Collectors.joining(", ", ": ", ""));
        return counts.size() <= SUMMARY_KINDS ? most : most + " and " + (counts.size() - SUMMARY_KINDS) + " kinds more";
    }

    private boolean affords(long nowNanos) {
        while (true) {
            long paid = paidAt.get();
            long ahead = Math.max(0, paid - nowNanos);
            if (ahead > BURST_NANOS - LINE_NANOS) return false;
            if (paidAt.compareAndSet(paid, nowNanos + ahead + LINE_NANOS)) return true;
        }
    }

    private void charge(long nowNanos) {
        paidAt.updateAndGet(paid -> nowNanos + Math.min(DEBT_NANOS, Math.max(0, paid - nowNanos) + LINE_NANOS));
    }
}
