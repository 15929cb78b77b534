package io.vireo.actors.monitor;

import io.vireo.monitoring.qmp.QmpArguments;
import io.vireo.posix.UnixSocket;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * One thing that a monitor's client may ask for. A command stands in a class that is named by it; this record gives it
 * its name, and its arguments as its own type.
 */
public record MonitorCommand(String name, Function<QmpArguments, Object> action) {
    /**
     * The answer of a command that wants the connection for something else: its client is told that it succeeded, and
     * hears no more of the monitor.
     *
     * @param next takes the socket over, or null when the client has gone; must not wait
     */
    public record Farewell(Consumer<UnixSocket> next) {}

    /**
     * @param reader takes each argument by name and type, and says what is wrong with it
     * @param action does it, and answers what {@link io.vireo.monitoring.qmp.JsonText} can write or null. It may wait: it
     *     has a thread that may, its connection's
     */
    public static <A> MonitorCommand of(String name, Function<QmpArguments, A> reader, Function<A, Object> action) {
        return new MonitorCommand(name, arguments -> {
            A read = reader.apply(arguments);
            arguments.finish();
            return action.apply(read);
        });
    }
}
