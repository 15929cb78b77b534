package io.vireo.monitoring.qmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class QmpMessageTest {
    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.US_ASCII);
    }

    private static String refusal(Runnable action) {
        return assertThrows(QmpException.class, action::run).getMessage();
    }

    @Test
    void saysEachKindOfMessageAsAnAsciiLineThatEndsWithCrLf() {
        QmpRequest request = QmpRequest.of(QmpMessage.ordered("execute", "x", "id", List.of(1, "\u00e9")));
        assertEquals("{\"return\":{},\"id\":[1,\"\\u00E9\"]}\r\n", text(QmpMessage.success(request, null)));
        assertEquals("{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"no vda\"},\"id\":7}\r\n",
                text(QmpMessage.failure(new QmpException(QmpException.ErrorClass.DEVICE_NOT_FOUND, "no vda"), Map.of("id", 7))));
        assertEquals("{\"event\":\"STOP\",\"timestamp\":{\"seconds\":12,\"microseconds\":345678}}\r\n",
                text(QmpMessage.event("STOP", Map.of(), Instant.ofEpochSecond(12, 345_678_999))));
        assertEquals("{\"QMP\":{\"version\":{},\"capabilities\":[]}}\r\n", text(QmpMessage.greeting(Map.of())));
    }

    @Test
    void anIdThatIsNullIsAnIdAndNoneIsNone() {
        Map<String, Object> asked = new HashMap<>(Map.of("execute", "x"));
        assertFalse(text(QmpMessage.success(QmpRequest.of(asked), null)).contains("id"));
        asked.put("id", null);
        assertEquals("{\"return\":{},\"id\":null}\r\n", text(QmpMessage.success(QmpRequest.of(asked), null)));
        assertEquals("{\"error\":{\"class\":\"GenericError\",\"desc\":\"w\"},\"id\":null}\r\n",
                text(QmpMessage.failure(new QmpException("w"), asked)));
    }

    @Test
    void refusesWhatIsNoCommand() {
        assertEquals("QMP input lacks member 'execute'", refusal(() -> QmpRequest.of(Map.of())));
        assertEquals("QMP input member 'exec-oob' is unexpected", refusal(() -> QmpRequest.of(Map.of("exec-oob", "x"))));
        assertEquals("QMP input member 'execute' must be a string", refusal(() -> QmpRequest.of(Map.of("execute", 1))));
        assertEquals("QMP input member 'arguments' must be an object",
                refusal(() -> QmpRequest.of(Map.of("execute", "x", "arguments", Arrays.asList(1)))));
    }

    @Test
    void readsArgumentsByTypeAndRefusesTheRest() {
        QmpArguments arguments = new QmpArguments(Map.of("device", "vda", "force", true, "size", 1L << 40));
        assertEquals("vda", arguments.string("device"));
        assertEquals(true, arguments.flag("force", false));
        assertEquals(OptionalLong.of(1L << 40), arguments.optionalSize("size"));
        arguments.finish();
        assertEquals("Parameter 'device' is missing", refusal(() -> arguments.string("device")));
        assertEquals("Invalid parameter type for 'device', expected: string",
                refusal(() -> new QmpArguments(Map.of("device", 3)).string("device")));
        assertEquals("Parameter 'size' expects a size from 0 to 9223372036854775807",
                refusal(() -> new QmpArguments(Map.of("size", -1)).optionalSize("size")));
        assertEquals("Parameter 'x' is unexpected", refusal(() -> new QmpArguments(Map.of("x", 1)).finish()));
    }
}
