package io.vireo.actors.monitor;

import io.vireo.monitoring.qmp.QmpArguments;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.monitoring.qmp.QmpException.ErrorClass;
import io.vireo.monitoring.qmp.QmpMessage;
import io.vireo.monitoring.qmp.QmpRequest;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** The commands of one monitor, by name, with the two by which a client finds out what it talks to. Thread: any. */
public final class CommandTable {
    private final SortedMap<String, MonitorCommand> commands = new TreeMap<>();
    private final Map<String, Object> version;

    /** @param version ours, as in {@code 0.1.0} */
    public CommandTable(String version, List<MonitorCommand> commands) {
        this.version = QmpMessage.ordered("qemu", numbers(version), "package", "vireo-" + version);
        commands.forEach(this::add);
        add(MonitorCommand.of("query-version", _ -> null, _ -> this.version));
        add(MonitorCommand.of("query-commands", _ -> null, _ -> names()));
    }

    /** What the greeting says. */
    Map<String, Object> version() {
        return version;
    }

    /** @throws QmpException there is no such command, or why it was not done */
    Object execute(QmpRequest request) {
        MonitorCommand command = commands.get(request.execute());
        if (command == null) {
            throw new QmpException(
                    ErrorClass.COMMAND_NOT_FOUND, "The command " + request.execute() + " has not been found");
        }
        return command.action().apply(new QmpArguments(request.arguments()));
    }

    private void add(MonitorCommand command) {
        if (commands.put(command.name(), command) != null) throw new IllegalArgumentException(command.name() + " twice");
    }

    private List<Object> names() {
        return commands.keySet().stream().<Object>map(name -> Map.of("name", name)).toList();
    }

    private static Map<String, Object> numbers(String version) {
        String[] parts = version.replaceAll("[^0-9.].*", "").split("\\.");
        return QmpMessage.ordered("major", number(parts, 0), "minor", number(parts, 1), "micro", number(parts, 2));
    }

    private static int number(String[] parts, int index) {
        return index < parts.length && parts[index].matches("[0-9]{1,9}") ? Integer.parseInt(parts[index]) : 0;
    }
}
