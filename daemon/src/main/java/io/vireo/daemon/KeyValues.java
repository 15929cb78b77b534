package io.vireo.daemon;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/** An option in QEMU's syntax: {@code key=value,key=value}; two commas are one in a value. Each key is asked for once. */
final class KeyValues {
    private final String option;
    private final Map<String, String> values = new LinkedHashMap<>();

    KeyValues(String option, String text) {
        this.option = option;
        StringBuilder part = new StringBuilder();
        for (int i = 0; i <= text.length(); i++) {
            boolean end = i == text.length();
            if (!end && text.charAt(i) == ',' && i + 1 < text.length() && text.charAt(i + 1) == ',') {
                part.append(',');
                i++;
            } else if (end || text.charAt(i) == ',') {
                add(part.toString());
                part.setLength(0);
            } else {
                part.append(text.charAt(i));
            }
        }
    }

    private void add(String part) {
        int equals = part.indexOf('=');
        if (equals <= 0) throw wrong("'" + part + "' is not of the form key=value");
        if (values.put(part.substring(0, equals), part.substring(equals + 1)) != null) {
            throw wrong(part.substring(0, equals) + " is given twice");
        }
    }

    String take(String key) {
        String value = values.remove(key);
        if (value == null) throw wrong(key + " is missing");
        return value;
    }

    String take(String key, String otherwise) {
        String value = values.remove(key);
        return value == null ? otherwise : value;
    }

    boolean takeSwitch(String key, boolean otherwise) {
        String value = take(key, otherwise ? "on" : "off");
        return switch (value) {
            case "on", "true", "yes" -> true;
            case "off", "false", "no" -> false;
            default -> throw wrong(key + "=" + value + " is neither on nor off");
        };
    }

    int takeNumber(String key, int otherwise, int min, int max) {
        String value = take(key, Integer.toString(otherwise));
        try {
            int number = Integer.parseInt(value);
            if (number >= min && number <= max) return number;
        } catch (NumberFormatException e) {
            // said below, as for a number out of range
        }
        throw wrong(key + "=" + value + " is not a number from " + min + " to " + max);
    }

    <T extends Enum<T>> T takeWord(String key, Class<T> words, T otherwise) {
        String value = take(key, otherwise.name());
        for (T word : words.getEnumConstants()) if (word.name().equalsIgnoreCase(value)) return word;
        throw wrong(key + "=" + value + " is not one of " + Arrays.toString(words.getEnumConstants()).toLowerCase());
    }

    /** Nothing may be left over. */
    void end() {
        if (!values.isEmpty()) throw wrong("unknown key " + String.join(", ", new TreeSet<>(values.keySet())));
    }

    OperatorException wrong(String what) {
        return new OperatorException(ExitStatus.USAGE, option + ": " + what);
    }
}
