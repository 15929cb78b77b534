package io.vireo.daemon;

import io.vireo.monitoring.qmp.JsonStream;
import io.vireo.monitoring.qmp.JsonStream.Found;
import io.vireo.monitoring.qmp.JsonStream.JsonObject;
import io.vireo.monitoring.qmp.JsonText;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
        name = "qmp",
        description = "Gives one command to a QMP socket, a daemon's control socket or QEMU's, and prints what it returns.",
        mixinStandardHelpOptions = true)
final class QmpCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "SOCKET", description = "the socket's path")
    private Path socket;

    @Parameters(index = "1", paramLabel = "COMMAND", description = "such as query-commands")
    private String command;

    @Parameters(index = "2..*", paramLabel = "key=value",
            description = "an argument: numbers, true, false, null and what is JSON are taken as such, all else as a string")
    private List<String> arguments = new ArrayList<>();

    @Override
    public Integer call() {
        Map<String, Object> named = new LinkedHashMap<>();
        arguments.forEach(argument -> put(named, argument));
        try (QmpClient client = QmpClient.connect(socket)) {
            System.out.println(JsonText.of(client.execute(command, named)));
        }
        return ExitStatus.DONE;
    }

    /** Takes one argument apart. */
    static void put(Map<String, Object> named, String argument) {
        int equals = argument.indexOf('=');
        if (equals < 1) throw new OperatorException(ExitStatus.USAGE, "'" + argument + "' is not of the form key=value");
        named.put(argument.substring(0, equals), value(argument.substring(equals + 1)));
    }

    /** An object of JSON. */
    static Object json(String text) {
        Object value = value(text);
        if (value instanceof Map<?, ?>) return value;
        throw new OperatorException(ExitStatus.USAGE, "what is in braces is no object of JSON");
    }

    /** As JSON where it is that. */
    private static Object value(String text) {
        List<Found> found = new ArrayList<>();
        new JsonStream().feed(("{\"v\":" + text + "}").getBytes(StandardCharsets.UTF_8), found::add);
        boolean json = found.size() == 1 && found.getFirst() instanceof JsonObject read && read.members().keySet().equals(Set.of("v"));
        return json ? ((JsonObject) found.getFirst()).members().get("v") : text;
    }
}
