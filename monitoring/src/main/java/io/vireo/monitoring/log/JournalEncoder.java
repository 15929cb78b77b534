package io.vireo.monitoring.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.encoder.EncoderBase;
import java.nio.charset.StandardCharsets;
import java.time.temporal.ChronoUnit;

/**
 * One event as one line of text behind the journal's priority prefix (sd-daemon(3)): time, level, logger, message, then
 * {@code key=value} for the device, its labels and whatever else the event names.
 */
public final class JournalEncoder extends EncoderBase<ILoggingEvent> {
    @Override
    public byte[] encode(ILoggingEvent event) {
        var line = new StringBuilder(256);
        line.append('<').append(priority(event.getLevel())).append('>');
        line.append(event.getInstant().truncatedTo(ChronoUnit.MILLIS)).append(' ').append(event.getLevel()).append(' ');
        line.append(event.getLoggerName().substring(event.getLoggerName().lastIndexOf('.') + 1)).append(": ");
        EventText.appendEscaped(line, event.getFormattedMessage(), false);
        EventText.fields(event).forEach((key, value) -> appendField(line, key, value));
        if (event.getThrowableProxy() != null) appendField(line, "exception", EventText.describe(event.getThrowableProxy()));
        return line.append('\n').toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public byte[] headerBytes() {
        return null;
    }

    @Override
    public byte[] footerBytes() {
        return null;
    }

    /** syslog(3): 3 error, 4 warning, 6 information, 7 debug. */
    static int priority(Level level) {
        return switch (level.toInt()) {
            case Level.ERROR_INT -> 3;
            case Level.WARN_INT -> 4;
            case Level.INFO_INT -> 6;
            default -> 7;
        };
    }

    private static void appendField(StringBuilder line, String key, String value) {
        boolean plain = !value.isEmpty() && value.chars().noneMatch(c -> c == ' ' || c == '"' || c == '\\' || c == '=' || c < ' ');
        line.append(' ');
        EventText.appendEscaped(line, key, false);
        line.append('=');
        if (plain) {
            EventText.appendEscaped(line, value, false);
        } else {
            line.append('"');
            EventText.appendEscaped(line, value, true);
            line.append('"');
        }
    }
}
