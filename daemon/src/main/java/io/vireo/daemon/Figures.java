package io.vireo.daemon;

import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** What a run came to, in order, for people as a table and for programs as one JSON object. */
final class Figures {
    private final Map<String, Object> values = new LinkedHashMap<>();

    Figures with(String name, long value) {
        values.put(name, value);
        return this;
    }

    /** Kept to four places: a request may cost a hundredth of a microsecond. The table shows two. */
    Figures with(String name, double value) {
        values.put(name, Math.round(value * 10_000) / 10_000.0);
        return this;
    }

    Figures with(String name, String value) {
        values.put(name, value);
        return this;
    }

    Figures with(String name, boolean value) {
        values.put(name, value);
        return this;
    }

    /** The parts that a run consists of; the table leaves them out. */
    Figures with(String name, List<Figures> parts) {
        values.put(name, List.copyOf(parts));
        return this;
    }

    String table() {
        StringBuilder text = new StringBuilder();
        values.forEach((name, value) -> {
            if (!(value instanceof List<?>)) text.append(String.format("%-24s %s%n", name.replace('_', ' '), shown(value)));
        });
        return text.toString();
    }

    /** All figures in one line. */
    String line() {
        StringJoiner text = new StringJoiner(", ");
        values.forEach((name, value) -> text.add(name.replace('_', ' ') + " " + shown(value)));
        return text.toString();
    }

    String json() {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = new JsonFactory().createGenerator(ObjectWriteContext.empty(), text)) {
            write(json);
        }
        return text.append('\n').toString();
    }

    private void write(JsonGenerator json) {
        json.writeStartObject();
        values.forEach((name, value) -> {
            json.writeName(name);
            switch (value) {
                case Long number -> json.writeNumber(number);
                case Double number -> json.writeNumber(number);
                case Boolean truth -> json.writeBoolean(truth);
                case List<?> parts -> {
                    json.writeStartArray();
                    parts.forEach(part -> ((Figures) part).write(json));
                    json.writeEndArray();
                }
                default -> json.writeString(value.toString());
            }
        });
        json.writeEndObject();
    }

    private static String shown(Object value) {
        return switch (value) {
            case Double number -> String.format(Locale.ROOT, "%,.2f", number);
            case Long number -> String.format(Locale.ROOT, "%,d", number);
            default -> value.toString();
        };
    }
}
