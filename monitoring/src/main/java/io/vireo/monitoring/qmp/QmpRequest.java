package io.vireo.monitoring.qmp;

import java.util.Map;
import java.util.Set;

/**
 * A command as it was asked for.
 *
 * @param arguments empty when none were given
 * @param id meaningless unless {@code hasId}; null is an id too
 */
public record QmpRequest(String execute, Map<String, Object> arguments, boolean hasId, Object id) {
    private static final Set<String> MEMBERS = Set.of("execute", "arguments", "id");

    /** @throws QmpException it is no command; whatever was asked has not happened */
    @SuppressWarnings("unchecked") // keys of what JsonStream reads are strings
    public static QmpRequest of(Map<String, Object> members) {
        for (String name : members.keySet()) {
            if (!MEMBERS.contains(name)) throw new QmpException("QMP input member '" + name + "' is unexpected");
        }
        if (!members.containsKey("execute")) throw new QmpException("QMP input lacks member 'execute'");
        if (!(members.get("execute") instanceof String execute)) {
            throw new QmpException("QMP input member 'execute' must be a string");
        }
        if (!(members.getOrDefault("arguments", Map.of()) instanceof Map<?, ?> arguments)) {
            throw new QmpException("QMP input member 'arguments' must be an object");
        }
        return new QmpRequest(execute, (Map<String, Object>) arguments, members.containsKey("id"), members.get("id"));
    }
}
