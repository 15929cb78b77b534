package io.vireo.actors.monitor;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.DeviceHost;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.monitoring.qmp.JsonStream;
import io.vireo.monitoring.qmp.JsonStream.JsonObject;
import io.vireo.monitoring.qmp.QmpException;
import io.vireo.monitoring.qmp.QmpMessage;
import io.vireo.monitoring.qmp.QmpRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A fuzzer's input as what a client asks of a running data plane. It is done or refused in words, never failed at, and
 * what it has added can be taken away again.
 */
public final class CommandFuzz {
    private static final String DEVICE = "vda";
    private static final DataPlane PLANE = start();
    private static final CommandTable COMMANDS = new CommandTable("1.2.3", commands());

    private CommandFuzz() {}

    private static DataPlane start() {
        ActorSystem<Void> system = PrivateActorSystem.start("command-fuzz");
        String hocon = """
                drives.zero { driver = null-co, size = 1M }
                devices.vda { drive = zero, num-queues = 1 }
                """;
        return DataPlane.start(system, ConfigLoader.of(ConfigFactory.parseString(hocon), Cpus.online()), new VireoMetrics("fuzz"), false);
    }

    private static List<MonitorCommand> commands() {
        List<MonitorCommand> commands = new ArrayList<>(DeviceCommands.of(PLANE));
        commands.addAll(PlugCommands.of(PLANE));
        commands.addAll(List.of(DeviceResize.of(PLANE), QueryDevices.of(PLANE), QueryCounters.of(PLANE)));
        return commands;
    }

    /** As Jazzer calls it. */
    public static void fuzzerTestOneInput(byte[] input) {
        new JsonStream().feed(input, found -> {
            if (found instanceof JsonObject(Map<String, Object> members)) answer(members);
        });
        for (DeviceHost device : List.copyOf(PLANE.devices())) if (!device.name().equals(DEVICE)) PLANE.remove(device.name(), true);
    }

    private static void answer(Map<String, Object> members) {
        try {
            QmpRequest request = QmpRequest.of(members);
            if (asksForAFile(request)) return;
            QmpMessage.success(request, COMMANDS.execute(request));
        } catch (QmpException e) {
            if (e.getMessage().isBlank()) throw new AssertionError(members + " is refused without a word");
            QmpMessage.failure(e, members);
        }
    }

    /** The device that the next input is to find stays; what is on this machine is not the fuzzer's to open. */
    private static boolean asksForAFile(QmpRequest request) {
        String said = request.arguments().toString();
        return said.contains("file") || said.contains("path") || said.contains("include")
                || request.execute().equals("device-del") && DEVICE.equals(request.arguments().get("device"));
    }
}
