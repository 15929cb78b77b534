package io.vireo.monitoring.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What both encoders take from a logging event. */
final class EventText {
    /** The longest line, its end of line left out: a hostile text must not fill the log. */
    static final int MAX_LINE_CHARS = 8 << 10;

    private static final int MAX_CAUSES = 4;
    private static final int MAX_FRAMES = 12;

    private EventText() {}

    /** MDC and key-value pairs in that order, the latter winning; values as text. */
    static Map<String, String> fields(ILoggingEvent event) {
        Map<String, String> fields = new LinkedHashMap<>(event.getMDCPropertyMap());
        if (event.getKeyValuePairs() != null) {
            event.getKeyValuePairs().forEach(pair -> fields.put(pair.key, String.valueOf(pair.value)));
        }
        return fields;
    }

    /** An exception with its causes and the top of its stack, in one line; for the journal keeps one line an event. */
    static String describe(IThrowableProxy thrown) {
        var text = new StringBuilder();
        IThrowableProxy cause = thrown;
        for (int depth = 0; cause != null && depth < MAX_CAUSES; depth++, cause = cause.getCause()) {
            if (depth > 0) text.append(" caused by ");
            text.append(cause.getClassName());
            if (cause.getMessage() != null) text.append(": ").append(cause.getMessage());
            StackTraceElementProxy[] frames = cause.getStackTraceElementProxyArray();
            if (frames != null) {
                List.of(frames).stream().limit(MAX_FRAMES)
                        .forEach(frame -> text.append(" < ").append(frame.getStackTraceElement()));
            }
        }
        return text.toString();
    }

    /**
     * Appends with backslash escapes, readable as JSON: quotes, backslashes, and every control character, so that no text from
     * outside starts a line of its own or speaks to the reader's terminal.
     */
    static void appendEscaped(StringBuilder out, CharSequence text, boolean quotes) {
        for (int i = 0; i < text.length() && out.length() < MAX_LINE_CHARS; i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '"', '\\' -> {
                    if (quotes) out.append('\\');
                    out.append(c);
                }
                default -> {
                    boolean unprintable = Character.isISOControl(c) || c == '\u2028' || c == '\u2029' || isLoneSurrogate(text, i);
                    if (unprintable) out.append("\\u%04x".formatted((int) c)); else out.append(c);
                }
            }
        }
    }

    private static boolean isLoneSurrogate(CharSequence text, int at) {
        char c = text.charAt(at);
        if (Character.isHighSurrogate(c)) return at + 1 == text.length() || !Character.isLowSurrogate(text.charAt(at + 1));
        return Character.isLowSurrogate(c) && (at == 0 || !Character.isHighSurrogate(text.charAt(at - 1)));
    }
}
