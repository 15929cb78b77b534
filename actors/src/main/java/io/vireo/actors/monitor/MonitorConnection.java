package io.vireo.actors.monitor;

import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vireo.monitoring.qmp.JsonStream;
import io.vireo.monitoring.qmp.JsonStream.Found;
import io.vireo.monitoring.qmp.JsonStream.JsonObject;
import io.vireo.monitoring.qmp.JsonStream.Malformed;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.monitoring.qmp.QmpException.ErrorClass;
import io.vireo.monitoring.qmp.QmpMessage;
import io.vireo.monitoring.qmp.QmpRequest;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client of a monitor: its requests, one after the other, and the events it hears of once it has negotiated. It runs
 * where commands may block; a command that waits keeps nobody else's waiting.
 */
final class MonitorConnection extends AbstractOnMessageBehavior<MonitorConnection.Command> {
    sealed interface Command permits Received, Event, Ended {}

    record Received(byte[] bytes) implements Command {}

    /** A line that every client hears. */
    record Event(byte[] line) implements Command {}

    enum Ended implements Command {
        ENDED
    }

    private static final Logger LOG = LoggerFactory.getLogger(MonitorConnection.class);
    private static final byte[] NOTHING = {};
    private static final String CAPABILITIES = "qmp_capabilities";

    private final CommandTable commands;
    private final MonitorPeer peer;
    private final JsonStream stream = new JsonStream();
    private boolean negotiated;

    private MonitorConnection(ActorContext<Command> context, CommandTable commands, MonitorPeer peer) {
        super(context);
        this.commands = commands;
        this.peer = peer;
        peer.send(QmpMessage.greeting(commands.version()));
    }

    static Behavior<Command> create(CommandTable commands, MonitorPeer peer) {
        return Behaviors.setup(context -> new MonitorConnection(context, commands, peer));
    }

    @Override
    public Behavior<Command> onMessage(Command message) {
        return switch (message) {
            case Received(byte[] bytes) -> onReceived(bytes);
            case Event(byte[] line) -> onEvent(line);
            case Ended _ -> Behaviors.stopped();
        };
    }

    private Behavior<Command> onReceived(byte[] bytes) {
        if (stream.feed(bytes, this::onFound)) peer.readMore();
        else peer.hangUp();
        return this;
    }

    private Behavior<Command> onEvent(byte[] line) {
        if (negotiated) peer.send(line);
        return this;
    }

    private void onFound(Found found) {
        peer.send(switch (found) {
            case Malformed(String why) -> QmpMessage.failure(new QmpException(why), Map.of());
            case JsonObject(Map<String, Object> members) -> answer(members);
        });
    }

    private byte[] answer(Map<String, Object> members) {
        try {
            QmpRequest request = QmpRequest.of(members);
            Object result = execute(request);
            if (!(result instanceof MonitorCommand.Farewell farewell)) return QmpMessage.success(request, result);
            peer.leaveAfter(QmpMessage.success(request, null), farewell.next());
            return NOTHING;
        } catch (QmpException e) {
            return QmpMessage.failure(e, members);
        } catch (RuntimeException e) {
            LOG.error("a monitor's command failed", e);
            return QmpMessage.failure(new QmpException("the command failed: " + e), members);
        }
    }

    private Object execute(QmpRequest request) {
        if (request.execute().equals(CAPABILITIES)) return negotiate(request);
        if (negotiated) return commands.execute(request);
        throw new QmpException(
                ErrorClass.COMMAND_NOT_FOUND, "Expecting capabilities negotiation with '" + CAPABILITIES + "'");
    }

    private Object negotiate(QmpRequest request) {
        if (negotiated) {
            throw new QmpException(
                    ErrorClass.COMMAND_NOT_FOUND, "Capabilities negotiation is already complete, command ignored");
        }
        for (String name : request.arguments().keySet()) {
            if (!name.equals("enable")) throw new QmpException("Parameter '" + name + "' is unexpected");
        }
        if (!request.arguments().getOrDefault("enable", List.of()).equals(List.of())) {
            throw new QmpException("This monitor has no capabilities to enable");
        }
        negotiated = true;
        return null;
    }
}
