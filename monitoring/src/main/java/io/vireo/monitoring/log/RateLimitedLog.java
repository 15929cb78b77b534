package io.vireo.monitoring.log;

import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.event.Level;
import org.slf4j.helpers.MessageFormatter;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * The log for what a guest or a client can provoke, about one device: lines pass {@link LogLimit}, carry the device, its labels
 * and their kind as key-value pairs, and are cut at {@value #MAX_CHARS} characters.
 *
 * <p>Kinds are words of our code ({@code out-of-range}, {@code EIO}), never text from outside. Control characters are escaped where
 * the line is written ({@link JournalEncoder}, {@link JsonEncoder}). Thread: any. A line not written costs one look-up and never
 * waits; one that is written costs what the sink costs, so the sink of an IOThread's log must not block.
 */
public final class RateLimitedLog {
    /** Keeps a thousand first lines well under a mebibyte. */
    static final int MAX_CHARS = 400;

    private final Logger logger;
    private final LogLimit limit;
    private final String device;
    private final Map<String, String> labels;

    /** A log about {@code device}; {@code labels} as the operator gave them. */
    public RateLimitedLog(Logger logger, String device, Map<String, String> labels) {
        this(logger, LogLimit.shared(), device, labels);
    }

    RateLimitedLog(Logger logger, LogLimit limit, String device, Map<String, String> labels) {
        this.logger = logger;
        this.limit = limit;
        this.device = device;
        this.labels = Map.copyOf(labels);
    }

    /** Writes an information, with slf4j's {@code {}} for arguments. */
    public void info(long nowNanos, String kind, String message, Object... arguments) {
        write(Level.INFO, nowNanos, kind, message, arguments);
    }

    /** Writes a warning. */
    public void warn(long nowNanos, String kind, String message, Object... arguments) {
        write(Level.WARN, nowNanos, kind, message, arguments);
    }

    /** Writes an error. */
    public void error(long nowNanos, String kind, String message, Object... arguments) {
        write(Level.ERROR, nowNanos, kind, message, arguments);
    }

    /** Writes the summary of suppressed lines when it is due; to be called now and then by who has a timer. */
    public static void summariseIfDue(Logger logger, long nowNanos) {
        summariseIfDue(logger, LogLimit.shared(), nowNanos);
    }

    /** Writes the summary of what is still untold, at the end of a run. */
    public static void summarise(Logger logger, long nowNanos) {
        LogLimit.shared().summary(nowNanos).ifPresent(logger::warn);
    }

    private static void summariseIfDue(Logger logger, LogLimit limit, long nowNanos) {
        limit.summaryIfDue(nowNanos).ifPresent(logger::warn);
    }

    private void write(Level level, long nowNanos, String kind, String message, Object[] arguments) {
        if (!logger.isEnabledForLevel(level) || !limit.admits(device, kind, nowNanos)) return;
        summariseIfDue(logger, limit, nowNanos);
        String text = MessageFormatter.basicArrayFormat(message, arguments);
        LoggingEventBuilder line = logger.atLevel(level).addKeyValue("device", device).addKeyValue("kind", kind);
        labels.forEach(line::addKeyValue);
        line.log(text.length() <= MAX_CHARS ? text : text.substring(0, MAX_CHARS) + "...");
    }
}
