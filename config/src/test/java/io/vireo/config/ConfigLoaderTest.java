package io.vireo.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import io.vireo.config.DeviceConfig.QueueAssignment;
import io.vireo.config.DriveConfig.FileDrive;
import io.vireo.config.DriveConfig.HostDeviceDrive;
import io.vireo.config.DriveConfig.NullDrive;
import io.vireo.config.DriveConfig.RamDrive;
import io.vireo.config.DriveConfig.RawDrive;
import io.vireo.config.TransportConfig.SocketFd;
import io.vireo.config.TransportConfig.SocketPath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigLoaderTest {
    private static final String ONE = """
            vireo {
              iothreads { io0 {}, io1 {}, io2 {} }
              drives.disk { driver = file, filename = vm.img }
              devices.vda {
                drive = disk
                transport.path = vda.sock
                %s
              }
            }
            """;

    @TempDir Path folder;
    private Hocon hocon;

    @BeforeEach
    void makeFolder() {
        hocon = new Hocon(folder);
    }

    private DeviceConfig device(String said, String... overrides) {
        return hocon.load(ONE.formatted(said), overrides).devices().get("vda");
    }

    private DriveConfig drive(String said) {
        return hocon.load("vireo.drives.disk { " + said + " }").drives().get("disk");
    }

    private Problem onlyProblem(String text, String... overrides) {
        List<Problem> problems = hocon.problems(text, overrides);
        assertEquals(1, problems.size(), problems::toString);
        return problems.getFirst();
    }

    @Test
    void readsWhatIsSaidOfAnIothread() {
        assertEquals(
                new IoThreadConfig("io0", List.of(1, 3), Duration.ofNanos(1_500), 3, 4, 16, Origin.PROGRAM),
                hocon.load("vireo.iothreads.io0 "
                        + "{ cpus = [1, 3], poll-max = 1.5us, poll-grow = 3, poll-shrink = \"4\", batch-max = 16 }")
                        .iothreads().get("io0"));
    }

    @Test
    void readsDurationsInEveryUnit() {
        Map<String, Duration> expected = Map.of(
                "0", Duration.ZERO, "7ns", Duration.ofNanos(7), "7 us", Duration.ofNanos(7_000),
                "7ms", Duration.ofMillis(7), "7s", Duration.ofSeconds(7), "7m", Duration.ofMinutes(7),
                "1h", Duration.ofHours(1));
        expected.forEach((text, duration) ->
                assertEquals(duration, hocon.load("vireo.shutdown-timeout = " + text).shutdownTimeout(), text));
    }

    @Test
    void readsSizesAsQemuDoes() {
        Map<String, Long> expected = Map.of(
                "512", 512L, "512B", 512L, "1k", 1L << 10, "512 KiB", 512L << 10, "1.5M", 3L << 19, "200G", 200L << 30,
                "1TiB", 1L << 40, "1P", 1L << 50, "7E", 7L << 60);
        expected.forEach((text, bytes) -> {
            var drive = (NullDrive) drive("driver = null-co, size = " + text);
            assertEquals(bytes, drive.sizeBytes(), text);
        });
    }

    @Test
    void readsANullDrive() {
        assertEquals(
                new NullDrive("disk", 1L << 20, true, Duration.ofSeconds(60), true, Origin.PROGRAM),
                drive("driver = null-co, size = 1M, read-zeroes = true, latency = 60s, read-only = on"));
    }

    /** As when an operator stands in the folder of the file. */
    @Test
    void includesBesideAFileOfABareName() throws IOException {
        Path file = Path.of("bare-name-" + ProcessHandle.current().pid() + ".conf");
        Path included = Path.of("included-" + file);
        try {
            Files.writeString(file, "include \"" + included + "\"\nvireo.devices.vda { drive = d, transport.path = /run/s }");
            Files.writeString(included, "vireo.drives.d { driver = null-co }");
            assertEquals(Set.of("d"), ConfigLoader.load(file, List.of(), Hocon.CPUS).drives().keySet());
        } finally {
            Files.deleteIfExists(file);
            Files.deleteIfExists(included);
        }
    }

    @Test
    void readsARamDrive() {
        assertEquals(
                new RamDrive("disk", 1L << 20, true, Origin.PROGRAM), drive("driver = ram, size = 1M, read-only = on"));
    }

    @Test
    void emulatedAbilities() {
        assertEquals(
                new Emulation(true, Optional.empty(), Optional.of(new ZonedConfig(ZonedConfig.Model.HOST_AWARE, 64L << 20,
                        64L << 20, 0, 0, 0, 1L << 20, List.of(), List.of()))),
                ((RamDrive) drive("driver = ram, size = 1G, secure-erase = on, zoned.model = host-aware")).emulation());
        assertEquals(
                new Emulation(false, Optional.of(new Emulation.Wear(1, 3, 0)), Optional.of(new ZonedConfig(
                        ZonedConfig.Model.HOST_MANAGED, 1L << 20, 512L << 10, 2, 3, 4, 8192, List.of(5), List.of(6, 7)))),
                ((NullDrive) drive("driver = null-co, size = 8M, lifetime { pre-eol-info = 1, type-a = 3 }, zoned { "
                        + "model = host-managed, zone-size = 1M, zone-capacity = 512K, conventional-zones = 2, max-open = 3, "
                        + "max-active = 4, max-append = 8K, read-only-zones = [5], offline-zones = [6, 7] }")).emulation());
    }

    @Test
    void readsAHostDevice() {
        var options = new FileOptions(
                new FileOptions.Cache(true, true), FileOptions.Aio.NATIVE, true, FileOptions.Discard.IGNORE,
                FileOptions.Locking.OFF);
        assertEquals(
                new HostDeviceDrive("disk", Path.of("/dev/sdz"), options, Origin.PROGRAM),
                drive("driver = host_device, filename = /dev/sdz, cache { direct = on, no-flush = on }, aio = native, "
                        + "read-only = on, discard = ignore, detect-zeroes = off, locking = off"));
    }

    @Test
    void rawHandsItsOptionsDownUnlessTheFileHasItsOwn() {
        var raw = (RawDrive) drive("driver = raw, offset = 1M, size = 2M, read-only = on, cache.direct = on, "
                + "discard = ignore, file { node-name = below, driver = file, filename = vm.img, discard = unmap }");

        var options = FileOptions.DEFAULT.withReadOnly(true).withCache(new FileOptions.Cache(true, false));
        assertEquals(new FileDrive("below", folder.resolve("vm.img"), options, Origin.PROGRAM), raw.file());
        assertEquals(1L << 20, raw.offsetBytes());
        assertEquals(OptionalLong.of(2L << 20), raw.sizeBytes());
        assertTrue(raw.readOnly());
        assertEquals(raw.file(), raw.protocol());
    }

    @Test
    void windowOnAReadOnlyFileIsReadOnly() {
        assertTrue(drive("driver = raw, file { driver = file, filename = vm.img, read-only = on }").readOnly());
    }

    @Test
    void readsWhatIsSaidOfADevice() {
        DeviceConfig vda = device("""
                num-queues = 4, queue-size = 1024, event_idx = off, packed = on, queue_reset = true
                serial = abc, write-cache = off, read-only = true, rerror = auto, werror = stop
                labels { vm = web17, tenant = "blue" }
                logical_block_size = 4096, physical_block_size = 8192, min_io_size = 8192, opt_io_size = 1048576, discard_granularity = 32768
                max-discard-sectors = 8, max-write-zeroes-sectors = 16
                """);

        assertEquals(new VirtqueueConfig(4, 1024,
                Set.of(RingFeature.INDIRECT_DESC, RingFeature.PACKED, RingFeature.QUEUE_RESET)), vda.queues());
        assertEquals("abc", vda.serial());
        assertEquals(false, vda.writeCache());
        assertEquals(true, vda.readOnly());
        assertEquals(new ErrorPolicyConfig(ErrorPolicyConfig.OnError.AUTO, ErrorPolicyConfig.OnError.STOP), vda.errors());
        assertEquals(Map.of("vm", "web17", "tenant", "blue"), vda.labels());
        assertEquals(new BlockLimits(4096, 8192, 8192, 1048576, 32768, 8, 16), vda.limits());
    }

    @Test
    void offersEventIndexesAndIndirectDescriptorsUnlessToldOtherwise() {
        assertEquals(Set.of(RingFeature.EVENT_IDX, RingFeature.INDIRECT_DESC), device("").queues().features());
        assertEquals(Set.of(RingFeature.EVENT_IDX, RingFeature.IN_ORDER),
                device("indirect_desc = off, in_order = on").queues().features());
    }

    @Test
    void oneIothreadServesAllQueues() {
        DeviceConfig vda = device("num-queues = 2, iothread = io1");
        assertEquals(List.of(new QueueAssignment("io1", List.of())), vda.iothreads());
        assertEquals(Optional.of("io1"), vda.iothreadOf(0));
        assertEquals(Optional.of("io1"), vda.iothreadOf(1));
    }

    @Test
    void iothreadsOfAMappingWithoutQueuesTakeTurns() {
        DeviceConfig vda = device("num-queues = 4, "
                + "iothread-vq-mapping = [{ iothread = io2 }, { iothread = io0 }, { iothread = io1 }]");
        assertEquals(
                List.of("io2", "io0", "io1", "io2"),
                List.of(0, 1, 2, 3).stream().map(queue -> vda.iothreadOf(queue).orElseThrow()).toList());
    }

    @Test
    void mappingWithQueuesIsTakenAsItIs() {
        DeviceConfig vda = device("num-queues = 3, "
                + "iothread-vq-mapping = [{ iothread = io2, vqs = [0, 2] }, { iothread = io0, vqs = [1] }]");
        assertEquals(
                List.of("io2", "io0", "io2"),
                List.of(0, 1, 2).stream().map(queue -> vda.iothreadOf(queue).orElseThrow()).toList());
    }

    @Test
    void socketIsForTheGroupWhenThereIsOne() {
        Path path = folder.resolve("vda.sock");
        assertEquals(
                new SocketPath(path, 0660, Optional.of("vireo"), Optional.of("kvm"), Origin.PROGRAM),
                device("transport { user = vireo, group = kvm }").transport().orElseThrow());
    }

    @Test
    void socketOfAFrontEndThatListens() {
        assertEquals(
                new TransportConfig.SocketPeer(folder.resolve("vda.sock"), true, Origin.PROGRAM),
                device("transport { role = connect, incoming = on }").transport().orElseThrow());
    }

    @Test
    void modeIsOctalWithAndWithoutQuotes() {
        for (String mode : List.of("0640", "\"0640\"", "640")) {
            var socket = (SocketPath) device("transport.mode = " + mode).transport().orElseThrow();
            assertEquals(0640, socket.mode(), mode);
        }
    }

    @Test
    void inheritedSocket() {
        DeviceConfig vda = hocon.load("""
                vireo.drives.a.driver = null-co
                vireo.devices.vda { drive = a, transport { fd = 3, role = listen, incoming = on } }
                """).devices().get("vda");
        assertEquals(new SocketFd(3, true, Origin.PROGRAM), vda.transport().orElseThrow());
    }

    @Test
    void warnsOfADeviceThatMayStopWhereNobodyCouldResumeIt() {
        String device = """
                vireo.drives { a { driver = file, filename = "a.img" }, n { driver = null-co } }
                vireo.devices.vda { drive = %s, %s transport.path = vda.sock }
                %s
                """;
        String may = " may stop at an I/O error (rerror = %s, werror = %s), and nobody could resume it: there is no vireo.control.path;"
                + " say one, or werror = report and rerror = report";
        assertEquals(List.of("vireo.devices.vda:" + may.formatted("report", "stop")), warnings(device.formatted("a", "werror = stop,", "")));
        assertEquals(List.of(), warnings(device.formatted("a", "", "")), "a full disk is resumed by a restart, too");
        assertEquals(List.of("vireo.devices.vda:" + may.formatted("stop", "enospc")), warnings(device.formatted("n", "rerror = stop,", "")));
        assertEquals(List.of(), warnings(device.formatted("n", "", "")), "nothing there runs out of space");
        assertEquals(List.of(), warnings(device.formatted("a", "werror = report,", "")));
        assertEquals(List.of(), warnings(device.formatted("a", "read-only = on,", "")));
        assertEquals(List.of(), warnings(device.formatted("a", "werror = stop,", "vireo.control.path = c.sock")));
    }

    private List<String> warnings(String text) {
        String place = folder + "/vm.conf:2: ";
        return hocon.load(text).warnings().stream().map(Problem::toString).map(said -> said.replace(place, "")).toList();
    }

    @Test
    void serialIsCutBetweenCharactersWithAWarning() {
        String text = ONE.formatted("werror = report, serial = \"0123456789012345678äx\"");
        VireoConfig config = hocon.load(text);

        assertEquals("0123456789012345678", config.devices().get("vda").serial());
        assertEquals(
                List.of(folder + "/vm.conf:7: vireo.devices.vda.serial: "
                        + "'0123456789012345678äx' is longer than 20 bytes: the guest sees '0123456789012345678'"),
                config.warnings().stream().map(Problem::toString).toList());
        assertEquals("01234567890123456789", DeviceConfig.cutSerial("01234567890123456789"));
    }

    @Test
    void devicesMayShareWhatNobodyWrites() {
        VireoConfig config = hocon.load("""
                vireo {
                  drives.a { driver = file, filename = vm.img, read-only = on }
                  drives.b { driver = file, filename = vm.img }
                  devices.vda { drive = a, transport.fd = 3 }
                  devices.vdb { drive = a, transport.fd = 4 }
                  devices.vdc { drive = b, read-only = on, transport.fd = 5 }
                }
                """);
        assertEquals(Set.of("vda", "vdb", "vdc"), config.devices().keySet());
    }

    @Test
    void writersMayShareAFileWithoutLocks() {
        VireoConfig config = hocon.load("""
                vireo {
                  drives.a { driver = raw, size = 1M, file { driver = file, filename = vm.img, locking = off } }
                  drives.b { driver = raw, offset = 1M, file { driver = file, filename = vm.img, locking = off } }
                  devices.vda { drive = a, transport.fd = 3 }
                  devices.vdb { drive = b, transport.fd = 4 }
                }
                """);
        assertEquals(2, config.devices().size());
    }

    @Test
    void pathsAreRelativeToTheFileThatSaysThem() throws IOException {
        Path below = Files.createDirectory(folder.resolve("below"));
        hocon.file("below/drives.conf", "vireo.drives.disk { driver = file, filename = disk.img }");
        VireoConfig config = hocon.load("""
                include "below/drives.conf"
                vireo.devices.vda { drive = disk, transport.path = vda.sock }
                """);

        var drive = (FileDrive) config.drives().get("disk");
        var socket = (SocketPath) config.devices().get("vda").transport().orElseThrow();
        assertEquals(below.resolve("disk.img"), drive.filename());
        assertEquals(folder.resolve("vda.sock"), socket.path());
        assertEquals(
                below + "/drives.conf:1: vireo.drives.disk.filename: no such file",
                drive.origin().message("no such file"));
    }

    @Test
    void problemInAnIncludedFileNamesThatFile() {
        hocon.file("drives.conf", "vireo.drives {\n  disk { driver = null-co, size = big }\n}");
        Problem problem = onlyProblem("include \"drives.conf\"\nvireo.log.level = info");
        assertEquals(folder + "/drives.conf:2: vireo.drives.disk.size", problem.origin().toString());
    }

    @Test
    void missingKeyOfABlockFromTwoFilesPointsToTheLastOfThem() {
        hocon.file("drives.conf", "vireo.drives.disk { read-only = on }");
        Problem problem = onlyProblem("include \"drives.conf\"\n\nvireo.drives.disk { read-only = off }");
        assertEquals(folder + "/vm.conf:3: vireo.drives.disk.driver", problem.origin().toString());
    }

    @Test
    void overrideReplacesWhatTheFileSays() {
        DeviceConfig vda = device("num-queues = 2, labels.vm = a",
                "vireo.devices.vda.num-queues=4", "vireo.devices.vda.num-queues=8",
                "vireo.devices.vda.labels.vm=a#b//c=d", "vireo.devices.vda.serial=\"x\"",
                "vireo.devices.vda.iothread-vq-mapping=[{iothread = io1}]");

        assertEquals(8, vda.queues().count());
        assertEquals(Map.of("vm", "a#b//c=d"), vda.labels());
        assertEquals("x", vda.serial());
        assertEquals(Optional.of("io1"), vda.iothreadOf(0));
    }

    @Test
    void overrideReachesSubstitutions() {
        String text = "name = a\n" + ONE.formatted("serial = ${name}");
        assertEquals("b", hocon.load(text, "name=b").devices().get("vda").serial());
    }

    @Test
    void pathsOfAnOverrideAreRelativeToWhereWeRun() {
        VireoConfig config = hocon.load(ONE.formatted(""), "vireo.drives.disk.filename=other.img");
        assertEquals(
                Path.of("other.img").toAbsolutePath(), ((FileDrive) config.drives().get("disk")).filename());
    }

    @Test
    void problemOfAnOverrideNamesIt() {
        Problem problem = onlyProblem(ONE.formatted(""), "vireo.devices.vda.num-queues=zero");
        assertEquals("--set vireo.devices.vda.num-queues: vireo.devices.vda.num-queues", problem.origin().toString());
        assertEquals("'zero' is not a number in range", problem.what());
    }

    @Test
    void missingKeyBesideAnOverrideStillPointsIntoTheFile() {
        Problem problem = onlyProblem("vireo {\n  drives.disk { size = 1G }\n}", "vireo.drives.disk.read-only=on");
        assertEquals(folder + "/vm.conf:2: vireo.drives.disk.driver", problem.origin().toString());
    }

    @Test
    void overrideOutsideTheBlockIsAMistake() {
        Problem problem = onlyProblem(ONE.formatted(""), "devices.vda.num-queues=4");
        assertEquals("--set devices.vda.num-queues", problem.origin().toString());
        assertEquals("the file has no 'devices'", problem.what());
        assertEquals("did you mean vireo.devices.vda.num-queues?", problem.allowed());
    }

    @Test
    void overrideWithoutValue() {
        for (String override : List.of("vireo.log", "=3")) {
            assertEquals("has no value", onlyProblem(ONE.formatted(""), override).what());
        }
    }

    @Test
    void overrideThatIsNoHocon() {
        Problem problem = onlyProblem(ONE.formatted(""), "vireo.iothreads.io0.cpus=[1");
        assertEquals("--set vireo.iothreads.io0.cpus", problem.origin().file());
        assertEquals("--set a..b", onlyProblem(ONE.formatted(""), "a..b=1").origin().toString());
        assertEquals("--set vireo.iothreads.io0.cpus",
                onlyProblem(ONE.formatted(""), "vireo.iothreads.io0.cpus=[1], poll-grow=3").origin().file());
    }

    @Test
    void syntaxErrorNamesTheLine() {
        Problem problem = onlyProblem("vireo {\n  log {\n    level = = info\n  }\n}");
        assertEquals(folder + "/vm.conf:3", problem.origin().toString());
        assertTrue(problem.what().contains("="), problem::what);
    }

    @Test
    void substitutionOfNothingNamesTheLine() {
        Problem problem = onlyProblem("vireo {\n  log.level = ${no-such-thing}\n}");
        assertEquals(folder + "/vm.conf:2", problem.origin().toString());
        assertTrue(problem.what().contains("no-such-thing"), problem::what);
    }

    @Test
    void nestingWithoutEnd() {
        Problem problem = onlyProblem("vireo = " + "[".repeat(200_000));
        assertEquals("is nested too deeply to be read", problem.what());
    }

    @Test
    void fileThatIsNotThere() {
        Path none = folder.resolve("none.conf");
        ConfigException refused =
                assertThrows(ConfigException.class, () -> ConfigLoader.load(none, List.of(), Hocon.CPUS));
        assertEquals(none + ": no such file; allowed: a readable file of HOCON", refused.getMessage());
        refused = assertThrows(ConfigException.class, () -> ConfigLoader.load(folder, List.of(), Hocon.CPUS));
        assertEquals(folder + ": is a directory; allowed: a readable file of HOCON", refused.getMessage());
    }

    @Test
    void embedderNeedsNoTransportAndNoNumberOfQueues() {
        String block = "drives.a.driver = null-co, iothreads.io0 {}, devices.vda { drive = a, iothread = io0 }";
        VireoConfig bare = ConfigLoader.of(ConfigFactory.parseString(block), Hocon.CPUS);
        VireoConfig rooted = ConfigLoader.of(ConfigFactory.parseString("vireo { " + block + " }"), Hocon.CPUS);

        DeviceConfig vda = bare.devices().get("vda");
        assertEquals(Optional.empty(), vda.transport());
        assertEquals(VirtqueueConfig.AS_GIVEN, vda.queues().count());
        assertEquals(bare, rooted);
        assertEquals(2, ConfigLoader.of(ConfigFactory.parseString("""
                drives.a.driver = null-co, iothreads { x {}, y {} }
                devices.vda { drive = a
                  iothread-vq-mapping = [ { iothread = x, vqs = [0, 2] }, { iothread = y, vqs = [1] } ] }
                """), Hocon.CPUS).devices().get("vda").iothreads().size());
    }

    @Test
    void embeddersProblemsNameLineAndPath() {
        ConfigException refused = assertThrows(ConfigException.class, () ->
                ConfigLoader.of(ConfigFactory.parseString("drives.a {\n driver = null-co\n size = x }"), Hocon.CPUS));
        assertEquals("String:3: drives.a.size", refused.problems().getFirst().origin().toString());
    }

    @Test
    void cpuListsReadAsTheKernelWritesThem() {
        assertEquals(Set.of(0, 1, 2, 5, 8, 9), Cpus.parse("0-2,5,8-9"));
        assertEquals("0-2,5,8-9", Cpus.format(Set.of(9, 8, 5, 2, 1, 0)));
        assertTrue(Cpus.online().size() >= 1);
    }

    @Test
    void placeDoesNotMatterWhenConfigurationsAreCompared() {
        assertEquals(hocon.load("\n\n" + ONE.formatted("")), hocon.load(ONE.formatted("")));
    }
}
