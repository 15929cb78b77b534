package io.vireo.monitoring.qmp;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * One JSON value that is arriving: maps, lists, strings, numbers, booleans and null, built as far as its tokens are there.
 * Without recursion, so that nesting costs no stack. Thread: one.
 */
final class JsonTree {
    private final Deque<Object> open = new ArrayDeque<>();
    private final Deque<String> names = new ArrayDeque<>();
    private Object root;
    private boolean complete;

    /** Takes in the tokens there are; true when the value is complete. */
    boolean read(JsonParser parser) {
        for (JsonToken token; !complete && (token = parser.nextToken()) != JsonToken.NOT_AVAILABLE && token != null; ) {
            switch (token) {
                case START_OBJECT -> open.push(new LinkedHashMap<String, Object>());
                case START_ARRAY -> open.push(new ArrayList<>());
                case END_OBJECT, END_ARRAY -> add(open.pop());
                case PROPERTY_NAME -> names.push(parser.currentName());
                case VALUE_STRING -> add(parser.getString());
                case VALUE_NUMBER_INT -> add(parser.getNumberValue());
                case VALUE_NUMBER_FLOAT -> add(parser.getDecimalValue());
                case VALUE_TRUE -> add(true);
                case VALUE_FALSE -> add(false);
                case VALUE_NULL -> add(null);
                default -> throw new IllegalStateException("token " + token);
            }
        }
        return complete;
    }

    Object root() {
        return root;
    }

    @SuppressWarnings("unchecked") // only what was pushed above is open
    private void add(Object value) {
        switch (open.peek()) {
            case null -> {
                root = value;
                complete = true;
            }
            case Map<?, ?> object -> ((Map<String, Object>) object).put(names.pop(), value);
            case List<?> array -> ((List<Object>) array).add(value);
            default -> throw new IllegalStateException();
        }
    }
}
