package io.vireo.monitoring.qmp;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** A command's arguments, each asked for once by name and type; {@link #finish} refuses what nobody asked for. */
public final class QmpArguments {
    private final Map<String, Object> left;

    public QmpArguments(Map<String, Object> given) {
        left = new LinkedHashMap<>(given);
    }

    /** @throws QmpException it is missing or no string */
    public String string(String name) {
        return optionalString(name).orElseThrow(() -> new QmpException("Parameter '" + name + "' is missing"));
    }

    public Optional<String> optionalString(String name) {
        return take(name, String.class, "string");
    }

    public boolean flag(String name, boolean otherwise) {
        return take(name, Boolean.class, "boolean").orElse(otherwise);
    }

    /** A number from 0 to 2^63-1. */
    public OptionalLong optionalSize(String name) {
        if (!left.containsKey(name)) return OptionalLong.empty();
        Number number = take(name, Number.class, "integer").orElseThrow();
        if ((number instanceof Integer || number instanceof Long) && number.longValue() >= 0) {
            return OptionalLong.of(number.longValue());
        }
        throw new QmpException("Parameter '" + name + "' expects a size from 0 to 9223372036854775807");
    }

    @SuppressWarnings("unchecked") // a JSON object's names are strings
    public Optional<Map<String, Object>> optionalObject(String name) {
        return take(name, Map.class, "object").map(object -> (Map<String, Object>) object);
    }

    /** @throws QmpException something is left over */
    public void finish() {
        if (left.isEmpty()) return;
        throw new QmpException("Parameter '" + left.keySet().iterator().next() + "' is unexpected");
    }

    private <T> Optional<T> take(String name, Class<T> type, String expected) {
        if (!left.containsKey(name)) return Optional.empty();
        Object value = left.remove(name);
        if (type.isInstance(value)) return Optional.of(type.cast(value));
        throw new QmpException("Invalid parameter type for '" + name + "', expected: " + expected);
    }
}
