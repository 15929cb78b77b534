package io.vireo.monitoring.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.EncoderBase;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * One event as one line of JSON: time, priority, level, logger, thread, message, exception, and beside them the device, its labels
 * and whatever else the event names; a label with the name of one of ours gets an underscore behind it.
 */
public final class JsonEncoder extends EncoderBase<ILoggingEvent> {
    private static final Set<String> OURS = Set.of("time", "priority", "level", "logger", "thread", "message", "exception");

    @Override
    public byte[] encode(ILoggingEvent event) {
        var line = new StringBuilder(256);
        line.append("{\"time\":\"").append(event.getInstant()).append("\",\"priority\":").append(JournalEncoder.priority(event.getLevel()));
        append(line, "level", event.getLevel().toString());
        append(line, "logger", event.getLoggerName());
        append(line, "thread", event.getThreadName());
        append(line, "message", event.getFormattedMessage());
        EventText.fields(event).forEach((key, value) -> append(line, OURS.contains(key) ? key + '_' : key, value));
        if (event.getThrowableProxy() != null) append(line, "exception", EventText.describe(event.getThrowableProxy()));
        return line.append("}\n").toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] headerBytes() {
        return null;
    }

    @Override
    public byte[] footerBytes() {
        return null;
    }

    private static void append(StringBuilder line, String key, String value) {
        // A cut line must stay JSON: past the bound whole fields are left out, and a long value is cut inside its quotes.
        if (line.length() >= EventText.MAX_LINE_CHARS) return;
        line.append(",\"");
        EventText.appendEscaped(line, key, true);
        line.append("\":\"");
        EventText.appendEscaped(line, value, true);
        line.append('"');
    }
}
