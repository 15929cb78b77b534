package io.vireo.monitoring.qmp;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is said on a QMP connection, as the bytes of one line. */
public final class QmpMessage {
    private QmpMessage() {}

    /** The first words of a server. */
    public static byte[] greeting(Map<String, Object> version) {
        return line(Map.of("QMP", ordered("version", version, "capabilities", List.of())));
    }

    /** @param result null for a command that has none */
    public static byte[] success(QmpRequest request, Object result) {
        Map<String, Object> members = ordered("return", result == null ? Map.of() : result);
        if (request.hasId()) members.put("id", request.id());
        return line(members);
    }

    /** @param asked the members of the request, as far as they are known */
    public static byte[] failure(QmpException reason, Map<String, Object> asked) {
        Map<String, Object> members =
                ordered("error", ordered("class", reason.errorClass().word(), "desc", reason.getMessage()));
        if (asked.containsKey("id")) members.put("id", asked.get("id"));
        return line(members);
    }

    public static byte[] event(String name, Map<String, Object> data, Instant when) {
        Map<String, Object> members = ordered("event", name);
        if (!data.isEmpty()) members.put("data", data);
        members.put("timestamp", ordered("seconds", when.getEpochSecond(), "microseconds", when.getNano() / 1000));
        return line(members);
    }

    /** What a client asks. */
    public static byte[] command(String execute, Map<String, Object> arguments) {
        Map<String, Object> members = ordered("execute", execute);
        if (!arguments.isEmpty()) members.put("arguments", arguments);
        return line(members);
    }

    /** A map in the order of its names and values. */
    public static Map<String, Object> ordered(Object... namesAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) map.put((String) namesAndValues[i], namesAndValues[i + 1]);
        return map;
    }

    private static byte[] line(Map<String, Object> members) {
        return (JsonText.of(members) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    }
}
