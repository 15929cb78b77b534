package io.vireo.actors.monitor;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import akka.actor.typed.ActorSystem;
import com.typesafe.config.ConfigFactory;
import io.vireo.actors.plane.DataPlane;
import io.vireo.actors.plane.PrivateActorSystem;
import io.vireo.config.ConfigLoader;
import io.vireo.config.Cpus;
import io.vireo.monitoring.metrics.VireoMetrics;
import io.vireo.monitoring.qmp.QmpArguments;
import io.vireo.monitoring.qmp.QmpException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a refused resize advises is what would work. */
class DeviceResizeTest {
    @TempDir
    private Path folder;

    private final ActorSystem<Void> system = PrivateActorSystem.start("device-resize-test");

    @AfterEach
    void end() {
        system.terminate();
    }

    @Test
    void advisesForceOnlyWhereItWouldHelp() throws Exception {
        Path image = Files.write(folder.resolve("disk.img"), new byte[4096]);
        Path other = Files.write(folder.resolve("other.img"), new byte[4096]);
        String hocon = """
                drives { shared { driver = file, filename = "%s" }, own { driver = file, filename = "%s" } }
                devices { vda { drive = shared, read-only = on, num-queues = 1 }, vdb { drive = shared, read-only = on, num-queues = 1 },
                  vdc { drive = own, num-queues = 1 } }
                """.formatted(image, other);
        try (DataPlane plane = DataPlane.start(
                system, ConfigLoader.of(ConfigFactory.parseString(hocon), Cpus.online()), new VireoMetrics("test"), true)) {
            String alone = shrink(plane, Map.of("device", "vdc", "size", 512L));
            assertTrue(alone.endsWith("; force would do it"), alone);
            String shared = shrink(plane, Map.of("device", "vda", "size", 512L));
            assertTrue(shared.endsWith("; not even with force, as its drive has other devices: vdb"), shared);
            String forced = shrink(plane, Map.of("device", "vda", "size", 512L, "force", true));
            assertTrue(forced.endsWith("its drive has other devices: vdb"), forced);
        }
    }

    private static String shrink(DataPlane plane, Map<String, Object> arguments) {
        return assertThrows(QmpException.class, () -> DeviceResize.of(plane).action().apply(new QmpArguments(arguments))).getMessage();
    }
}
