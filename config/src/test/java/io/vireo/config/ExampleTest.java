package io.vireo.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.config.DeviceConfig.QueueAssignment;
import io.vireo.config.DriveConfig.FileDrive;
import io.vireo.config.DriveConfig.NullDrive;
import io.vireo.config.DriveConfig.RawDrive;
import io.vireo.config.TransportConfig.SocketPath;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commented example says of every key what holds without it; the figures here are those promised to users. */
class ExampleTest {
    private static final String MINIMAL = """
            vireo {
              iothreads.io0 {}
              drives.vm-root { driver = raw, file { driver = file, filename = vm.img } }
              drives.scratch.driver = null-co
              devices.vda { drive = vm-root, transport.path = vda.sock }
            }
            """;

    @TempDir Path folder;
    private Hocon hocon;

    @BeforeEach
    void makeFolder() {
        hocon = new Hocon(folder);
    }

    private static String example() throws IOException {
        try (InputStream in = VireoConfig.class.getResourceAsStream("example.conf")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void whatTheExampleSaysIsWhatHoldsWithoutIt() throws IOException {
        VireoConfig said = hocon.load(example());
        VireoConfig unsaid = hocon.load(MINIMAL);

        assertEquals(unsaid.iothreads().get("io0"), said.iothreads().get("io0"));
        assertEquals(unsaid.drives(), said.drives());
        assertEquals(unsaid.devices().get("vda"), said.devices().get("vda"));
        assertEquals(unsaid.log(), said.log());
        assertEquals(unsaid.shutdownTimeout(), said.shutdownTimeout());
        assertEquals(Optional.of(MetricsConfig.DEFAULT), said.metrics());
        assertEquals(Optional.empty(), unsaid.metrics());
        assertEquals(unsaid.warnings(), said.warnings());
    }

    @Test
    void exampleSpreadsTheSecondDeviceOverTwoIothreads() throws IOException {
        DeviceConfig vdb = hocon.load(example()).devices().get("vdb");

        assertEquals(
                List.of(new QueueAssignment("io0", List.of(0, 1)), new QueueAssignment("io1", List.of(2, 3))),
                vdb.iothreads());
        assertEquals(Optional.of("io1"), vdb.iothreadOf(2));
        assertEquals(
                new SocketPath(folder.resolve("vdb.sock"), 0660, Optional.empty(), Optional.of("kvm"), Origin.PROGRAM),
                vdb.transport().orElseThrow());
    }

    @Test
    void iothreadDefaultsAreThosePromised() {
        IoThreadConfig io0 = hocon.load(MINIMAL).iothreads().get("io0");

        assertEquals(
                new IoThreadConfig("io0", List.of(), Duration.ofNanos(32_000), 2, 0, 64, Origin.PROGRAM), io0);
        assertEquals(IoThreadConfig.of("io0"), io0);
    }

    @Test
    void driveDefaultsAreThosePromised() {
        VireoConfig config = hocon.load(MINIMAL);

        var options = new FileOptions(
                new FileOptions.Cache(false, false), FileOptions.Aio.AUTO, false, FileOptions.Discard.UNMAP,
                FileOptions.Locking.AUTO);
        var file = new FileDrive("vm-root.file", folder.resolve("vm.img"), options, Origin.PROGRAM);
        assertEquals(
                new RawDrive("vm-root", file, 0, OptionalLong.empty(), false, Origin.PROGRAM),
                config.drives().get("vm-root"));
        assertEquals(RawDrive.of("vm-root", file), config.drives().get("vm-root"));
        assertEquals(FileDrive.of("vm-root.file", folder.resolve("vm.img")), file);
        assertEquals(
                new NullDrive("scratch", 1L << 30, false, Duration.ZERO, false, Origin.PROGRAM),
                config.drives().get("scratch"));
    }

    @Test
    void deviceDefaultsAreThosePromised() {
        DeviceConfig vda = hocon.load(MINIMAL).devices().get("vda");

        var transport =
                new SocketPath(folder.resolve("vda.sock"), 0600, Optional.empty(), Optional.empty(), Origin.PROGRAM);
        var expected = new DeviceConfig(
                "vda", "vm-root", List.of(), VirtqueueConfig.DEFAULT, "vda", true, false,
                new ErrorPolicyConfig(ErrorPolicyConfig.OnError.REPORT, ErrorPolicyConfig.OnError.ENOSPC),
                new BlockLimits(0, 0, 0, 0, 0, 4194303, 4194303), Map.of(), Optional.of(transport), Origin.PROGRAM);
        assertEquals(expected, vda);
        assertEquals(DeviceConfig.of("vda", "vm-root").withTransport(transport), vda);
        assertEquals(Optional.empty(), vda.iothreadOf(0));
    }

    @Test
    void theRestHasTheDefaultsPromised() {
        VireoConfig config = hocon.load(MINIMAL);

        assertEquals(Duration.ofSeconds(30), config.shutdownTimeout());
        assertEquals(new LogConfig(LogConfig.Format.TEXT, LogConfig.Level.INFO), config.log());
        assertEquals(
                Optional.of(new MetricsConfig("127.0.0.1", 9464, Origin.PROGRAM)),
                hocon.load("vireo.metrics {}").metrics());
        assertEquals(VireoConfig.empty(), hocon.load("vireo {}"));
        assertEquals(
                Optional.of(new SocketPath(folder.resolve("control.sock"), 0600, Optional.empty(), Optional.empty(), Origin.PROGRAM)),
                hocon.load("vireo.control.path = control.sock").control());
        assertTrue(config.devices().containsKey("vda"));
    }
}
