package io.vireo.daemon;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import io.vireo.config.LogConfig;
import io.vireo.monitoring.log.JournalEncoder;
import io.vireo.monitoring.log.JsonEncoder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The log: one line an event on stderr, written by a thread of its own so that a slow sink stops nobody. */
final class LogSetup {
    private static final int QUEUE_EVENTS = 4096;
    private static final String LAST_WORDS = "io.vireo.daemon.LastWords";
    /** Says at every start that it has started. */
    private static final String AKKA_LOGGER = "akka.event.slf4j.Slf4jLogger";

    private LogSetup() {}

    static void apply(LogConfig config) {
        LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
        context.reset();
        Encoder<ILoggingEvent> encoder =
                config.format() == LogConfig.Format.JSON ? new JsonEncoder() : new JournalEncoder();
        encoder.setContext(context);
        encoder.start();
        ConsoleAppender<ILoggingEvent> stderr = new ConsoleAppender<>();
        stderr.setContext(context);
        stderr.setTarget("System.err");
        stderr.setEncoder(encoder);
        stderr.start();
        AsyncAppender async = new AsyncAppender();
        async.setContext(context);
        async.setQueueSize(QUEUE_EVENTS);
        async.setDiscardingThreshold(0);
        async.setNeverBlock(true);
        async.addAppender(stderr);
        async.start();
        ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.valueOf(config.level().name()));
        root.addAppender(async);
        context.getLogger(LAST_WORDS).setLevel(Level.INFO);
        context.getLogger(AKKA_LOGGER).setLevel(Level.WARN);
    }

    /** For why a run ended, which is told at every level. */
    static Logger lastWords() {
        return LoggerFactory.getLogger(LAST_WORDS);
    }

    /** Writes what is queued; the last line of a run must not be lost. */
    static void flush() {
        ((LoggerContext) LoggerFactory.getILoggerFactory()).stop();
    }
}
