package io.vireo.monitoring.log;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.util.LogbackMDCAdapter;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RateLimitedLogTest {
    private static final long SECOND = 1_000_000_000L;

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final LogLimit limit = new LogLimit(0);

    @Test
    void staysShortAndWholeUnderTenThousandProvokedErrors() {
        Logger logger = logger(new JournalEncoder());
        List<String> kinds = List.of("invalid", "out-of-range", "read-only", "unsupported", "EIO", "ENOSPC");
        for (int device = 0; device < 64; device++) {
            var log = new RateLimitedLog(logger, limit, "vd" + device, Map.of("vm", "web" + device));
            for (int i = 0; i < 10_000; i++) log.warn(device * 1_000L + i, kinds.get(i % kinds.size()), "sector {} {}", i, "x".repeat(2_000));
        }
        List<String> lines = written.toString(StandardCharsets.UTF_8).lines().toList();
        for (int device = 0; device < 64; device++) {
            for (String kind : kinds) {
                String mark = " device=vd" + device + " kind=" + kind + " vm=web" + device;
                assertEquals(1, lines.stream().filter(line -> line.contains(mark)).limit(1).count(), "no line with" + mark);
            }
        }
        assertTrue(written.size() < 1 << 20, written.size() + " bytes");
        assertEquals(640_000, lines.size() + limit.suppressed());
        limit.summary(SECOND).ifPresent(logger::warn);
        String last = written.toString(StandardCharsets.UTF_8).lines().toList().getLast();
        assertTrue(last.contains(limit.suppressed() + " lines suppressed"), last);
    }

    @Test
    void tellsWhatWasSuppressedWithTheNextLineThatIsWritten() {
        var log = new RateLimitedLog(logger(new JournalEncoder()), limit, "vda", Map.of());
        for (int i = 0; i < 100; i++) log.error(0, "EIO", "again");
        log.error(11 * SECOND, "EIO", "later");
        List<String> lines = written.toString(StandardCharsets.UTF_8).lines().toList();
        assertEquals(12, lines.size(), lines.toString());
        assertTrue(lines.get(10).startsWith("<4>") && lines.get(10).contains("90 lines suppressed"), lines.get(10));
        assertTrue(lines.get(11).startsWith("<3>") && lines.get(11).contains("later"), lines.get(11));
    }

    @Test
    void keepsAHostileTextOnItsLine() {
        Logger logger = logger(new JournalEncoder());
        new RateLimitedLog(logger, limit, "vda", Map.of("vm", "a b\"c")).warn(0, "invalid", "serial {}", "x\n<0>forged\u001b[2J {}\u0085\ud800");
        String text = written.toString(StandardCharsets.UTF_8);
        assertEquals(1, text.lines().count(), text);
        assertTrue(text.endsWith("serial x\\n<0>forged\\u001b[2J {}\\u0085\\ud800 device=vda kind=invalid vm=\"a b\\\"c\"\n"), text);
    }

    @Test
    void asksTheLevelBeforeItCounts() {
        Logger logger = logger(new JournalEncoder());
        logger.setLevel(Level.ERROR);
        var log = new RateLimitedLog(logger, limit, "vda", Map.of());
        for (int i = 0; i < 100; i++) log.info(0, "hello", "never seen");
        assertEquals(0, limit.suppressed());
        assertEquals(0, written.size());
    }

    @Test
    void writesAnExceptionInOneLine() {
        logger(new JournalEncoder()).error("failed", new IllegalStateException("outer", new RuntimeException("in\nner")));
        String text = written.toString(StandardCharsets.UTF_8);
        assertEquals(1, text.lines().count(), text);
        assertTrue(text.startsWith("<3>") && text.contains("failed exception=\"java.lang.IllegalStateException: outer < "), text);
        assertTrue(text.contains("caused by java.lang.RuntimeException: in\\nner < "), text);
    }

    @Test
    void writesJsonWithoutLosingALabelNamedLikeOurs() {
        Logger logger = logger(new JsonEncoder());
        new RateLimitedLog(logger, limit, "vda", Map.of("level", "top")).info(0, "hello", "say \"{}\"\\", "ä\n");
        String text = written.toString(StandardCharsets.UTF_8);
        assertTrue(text.matches("\\{\"time\":\"\\S+Z\",\"priority\":6,\"level\":\"INFO\",\"logger\":\"io.vireo.Test\",\"thread\":\"[^\"]+\","
                + "\"message\":\"say \\\\\"ä\\\\n\\\\\"\\\\\\\\\",\"device\":\"vda\",\"kind\":\"hello\",\"level_\":\"top\"}\n"), text);
    }

    @Test
    void keepsACutLineValidJson() {
        Logger logger = logger(new JsonEncoder());
        logger.atWarn().addKeyValue("device", "vda").log("\u0001".repeat(100_000));
        String text = written.toString(StandardCharsets.UTF_8);
        assertTrue(text.length() < EventText.MAX_LINE_CHARS + 100, text.length() + " characters");
        assertTrue(text.endsWith("\\u0001\"}\n"), text.substring(text.length() - 20));
    }

    private Logger logger(Encoder<ILoggingEvent> encoder) {
        var context = new LoggerContext();
        context.setMDCAdapter(new LogbackMDCAdapter());
        encoder.setContext(context);
        encoder.start();
        var appender = new OutputStreamAppender<ILoggingEvent>();
        appender.setContext(context);
        appender.setEncoder(encoder);
        appender.setOutputStream(written);
        appender.start();
        Logger logger = context.getLogger("io.vireo.Test");
        logger.addAppender(appender);
        return logger;
    }
}
