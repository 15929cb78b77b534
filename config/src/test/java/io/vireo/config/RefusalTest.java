package io.vireo.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RefusalTest {
    private static final String DEVICE = """
            vireo {
              iothreads { io0 {}, io1 {} }
              drives.disk { driver = null-co }
              devices.vda {
                drive = disk
                transport.path = vda.sock
                %s
              }
            }
            """;
    private static final String DRIVE = """
            vireo {
              drives.disk {
                %s
              }
            }
            """;
    private static final String FILE = DRIVE.formatted("driver = file, filename = vm.img\n%s");
    private static final String RAW = DRIVE.formatted("driver = raw, file { driver = file, filename = vm.img }\n%s");
    private static final String NULL_CO = DRIVE.formatted("driver = null-co\n%s");
    private static final String RAM = DRIVE.formatted("driver = ram\n%s");
    private static final String IOTHREAD = """
            vireo.iothreads.io0 {
              %s
            }
            """;

    @TempDir Path folder;
    private Hocon hocon;

    @BeforeEach
    void makeFolder() {
        hocon = new Hocon(folder);
    }

    private void refusesDevice(String said, String key, String what, String allowed) {
        hocon.refuses(DEVICE.formatted(said), 7, "vireo.devices.vda." + key, what, allowed);
    }

    private void refusesDrive(String template, String said, String key, String what, String allowed) {
        hocon.refuses(template.formatted(said), template == DRIVE ? 3 : 4, "vireo.drives.disk." + key, what, allowed);
    }

    private void refusesIothread(String said, String key, String what, String allowed) {
        hocon.refuses(IOTHREAD.formatted(said), 2, "vireo.iothreads.io0." + key, what, allowed);
    }

    @Test
    void zonesThatCannotBe() {
        String head = "zoned { model = host-managed, ";
        refusesDrive(NULL_CO, "zoned { zone-size = 1M }", "zoned.model", "is missing", "allowed: host-managed, host-aware");
        refusesDrive(NULL_CO, "zoned.model = drive-managed", "zoned.model", "unknown model 'drive-managed'",
                "allowed: host-aware, host-managed");
        refusesDrive(NULL_CO, head + "zone-size = 3M }", "zoned.zone-size", "is not a power of two up to 512G",
                "allowed: as in 64M");
        refusesDrive(NULL_CO, head + "zone-size = 512 }", "zoned.zone-size", "makes 2097152 zones", "allowed: up to 1048576");
        refusesDrive(NULL_CO, head + "zone-size = 1M, zone-capacity = 2M }", "zoned.zone-capacity", "is more than the zone",
                "allowed: up to 1048576 bytes");
        refusesDrive(NULL_CO, head + "max-open = 3, max-active = 2 }", "zoned.max-open",
                "is more than max-active: open zones are active", "allowed: up to 2");
        refusesDrive(NULL_CO, head + "conventional-zones = 17 }", "zoned.conventional-zones", "'17' is not a number in range",
                "allowed: 0 to 16");
        refusesDrive(NULL_CO, head + "conventional-zones = 2, offline-zones = [1] }", "zoned.offline-zones",
                "names a conventional zone", "allowed: 2 to 15");
    }

    @Test
    void wearThatCannotBe() {
        refusesDrive(NULL_CO, "lifetime { pre-eol-info = 4 }", "lifetime.pre-eol-info", "'4' is not a number in range",
                "allowed: 0 to 3");
        refusesDrive(NULL_CO, "lifetime { type-a = 12 }", "lifetime.type-a", "'12' is not a number in range",
                "allowed: 0 to 11");
    }

    @Test
    void unknownKeyNamesTheNearest() {
        refusesIothread("pol-max = 1us", "pol-max", "unknown key 'pol-max'",
                "did you mean poll-max? allowed: poll-max, batch-max, cpus, poll-grow, poll-shrink");
    }

    @Test
    void unknownKeyOfADevice() {
        String allowed = "did you mean num-queues? allowed: num-queues, ";
        Problem problem = hocon.problems(DEVICE.formatted("num-queue = 2")).getFirst();
        assertEquals(allowed, problem.allowed().substring(0, allowed.length()));
        assertEquals("unknown key 'num-queue'", problem.what());
    }

    @Test
    void unknownBlock() {
        hocon.refuses("vireo {\n  drivers {}\n}", 2, "vireo.drivers", "unknown key 'drivers'",
                "did you mean drives? allowed: drives, control, devices, iothreads, log, metrics, shutdown-timeout");
    }

    @Test
    void unknownKeyWithoutLikenessGetsNoGuess() {
        hocon.refuses("vireo.log.colour = red", 1, "vireo.log.colour", "unknown key 'colour'",
                "allowed: format, level");
    }

    @Test
    void unknownRoot() {
        Problem problem = hocon.problems("viero { drives {} }").getFirst();
        assertEquals(folder.resolve("vm.conf").toString(), problem.origin().toString());
        assertEquals("there is no block 'vireo'", problem.what());
        assertEquals("did you mean it by 'viero'? allowed: vireo { devices { .. } .. }", problem.allowed());
    }

    @Test
    void laterBlocksAreNotIgnored() {
        for (String block : List.of("monitors", "throttle-groups", "sandbox")) {
            hocon.refuses("vireo {\n\n" + block + " = {}\n}", 3, "vireo." + block,
                    "is not available in this version", "leave it out");
        }
    }

    @Test
    void controlSocketWithoutAUsablePath() {
        hocon.refuses("vireo.control {}", 1, "vireo.control.path", "is missing", "allowed: /run/vireo/control.sock");
        hocon.refuses("vireo.control { path = c.sock, mode = 0666 }", 1, "vireo.control.mode", "unknown key 'mode'",
                "allowed: path");
    }

    @Test
    void blockWhereAValueBelongs() {
        refusesDevice("serial { a = b }", "serial", "is a block", "allowed: one value");
    }

    @Test
    void valueWhereABlockBelongs() {
        hocon.refuses("vireo.drives {\n  a = vm.img\n}", 2, "vireo.drives.a", "is a string", "allowed: a block { .. }");
    }

    /** A block that could not be read is a wrong type and no more: what it lacks is not reported on top. */
    @Test
    void rootThatIsAValue() {
        hocon.refuses("vireo = 3", 1, "vireo", "is a number", "allowed: a block { .. }");
    }

    @Test
    void badNameOfADevice() {
        hocon.refuses("vireo.devices {\n\"1 a\" {}\n}", 2, "vireo.devices.\"1 a\"", "is not a name",
                "allowed: a letter, then letters, digits, '-', '.' or '_', at most 31 in all");
    }

    @Test
    void number() {
        refusesDevice("num-queues = 257", "num-queues", "'257' is not a number in range", "allowed: 1 to 256");
        refusesDevice("num-queues = 0", "num-queues", "'0' is not a number in range", "allowed: 1 to 256");
        refusesDevice("num-queues = two", "num-queues", "'two' is not a number in range", "allowed: 1 to 256");
        refusesDevice("num-queues = 1.5", "num-queues", "'1.5' is not a number in range", "allowed: 1 to 256");
        refusesDevice("num-queues = 4294967297", "num-queues", "'4294967297' is not a number in range",
                "allowed: 1 to 256");
    }

    @Test
    void powerOfTwo() {
        for (String size : List.of("100", "1", "65536", "-2")) {
            refusesDevice("queue-size = " + size, "queue-size", "'" + size + "' is not a power of two in range",
                    "allowed: a power of two from 2 to 32768");
        }
    }

    @Test
    void switches() {
        refusesDevice("write-cache = maybe", "write-cache", "'maybe' is not a switch", "allowed: on, off, true, false");
    }

    @Test
    void emptyText() {
        refusesDevice("serial = \"\"", "serial", "is empty", "allowed: any other text");
    }

    @Test
    void controlCharacters() {
        refusesDevice("serial = \"a\\nb\"", "serial", "has a control character in it", "allowed: any other text");
    }

    @Test
    void durationWithoutUnit() {
        refusesIothread("poll-max = 32", "poll-max", "'32' has no unit",
                "allowed: 0 to 1h, with a unit: ns, us, ms, s, m, h, as in 32us");
    }

    @Test
    void badDuration() {
        refusesIothread("poll-max = -1us", "poll-max", "'-1us' is not a duration",
                "allowed: 0 to 1h, with a unit: ns, us, ms, s, m, h, as in 32us");
    }

    @Test
    void tooLongADuration() {
        hocon.refuses("vireo.shutdown-timeout = 2h", 1, "vireo.shutdown-timeout", "'2h' is too long",
                "allowed: 0 to 1h, with a unit: ns, us, ms, s, m, h, as in 32us");
    }

    @Test
    void badSizes() {
        String allowed = "allowed: bytes from 512, with K, M, G, T as powers of 1024, as in 512K or 1GiB";
        for (String size : List.of("big", "1kB", "-1G")) {
            refusesDrive(NULL_CO, "size = " + size, "size", "'" + size + "' is not a size", allowed);
        }
        for (String size : List.of("0", "8E", "9999999999999999999T")) {
            refusesDrive(NULL_CO, "size = " + size, "size", "'" + size + "' is out of range", allowed);
        }
    }

    @Test
    void ramWithoutASize() {
        hocon.refuses("vireo.drives.disk { driver = ram }", 1, "vireo.drives.disk.size", "is missing",
                "allowed: how much of the host's memory it may take, as in 1G");
    }

    @Test
    void sizeOfHalfASector() {
        refusesDrive(NULL_CO, "size = 1000", "size", "'1000' is not a multiple of 512 bytes",
                "allowed: whole sectors, as in 1G");
    }

    @Test
    void windowBeyondAnyFile() {
        refusesDrive(RAW, "offset = 4E, size = 4E", "size", "offset and size are more than a file can have",
                "allowed: less than 8E together");
    }

    @Test
    void unknownWords() {
        refusesDrive(FILE, "aio = io-uring", "aio", "unknown aio 'io-uring'",
                "did you mean io_uring? allowed: io_uring, auto, native, threads");
        refusesDrive(FILE, "discard = keep", "discard", "unknown discard 'keep'", "allowed: ignore, unmap");
        refusesDrive(FILE, "locking = of", "locking", "unknown locking 'of'",
                "did you mean off? allowed: off, on, auto");
        hocon.refuses("vireo.log.format = xml", 1, "vireo.log.format", "unknown format 'xml'", "allowed: json, text");
        hocon.refuses("vireo.log.level = warning", 1, "vireo.log.level", "unknown level 'warning'",
                "did you mean warn? allowed: warn, debug, error, info, trace");
    }

    @Test
    void unknownDriver() {
        refusesDrive(DRIVE, "driver = host-device", "driver", "unknown driver 'host-device'",
                "did you mean host_device? allowed: host_device, file, null-co, ram, raw");
    }

    @Test
    void driveWithoutDriver() {
        hocon.refuses("vireo.drives.disk {\n}", 1, "vireo.drives.disk.driver", "is missing",
                "allowed: file, host_device, raw, null-co, ram");
    }

    @Test
    void fileWithoutFilename() {
        hocon.refuses("vireo.drives.disk {\ndriver = file\n}", 1, "vireo.drives.disk.filename", "is missing",
                "allowed: the path of an image, as in \"vm.img\"");
    }

    @Test
    void rawWithoutFile() {
        hocon.refuses("vireo.drives.disk {\ndriver = raw\n}", 1, "vireo.drives.disk.file", "is missing",
                "allowed: the node below, as in file { driver = file, filename = .. }");
    }

    @Test
    void keyOfAnotherDriver() {
        refusesDrive(RAM, "aio = auto, size = 1M", "aio", "unknown key 'aio'", "allowed: driver, read-only, secure-erase, size, zoned");
        refusesDrive(NULL_CO, "aio = auto", "aio", "unknown key 'aio'",
                "allowed: driver, latency, lifetime, read-only, read-zeroes, secure-erase, size, zoned");
    }

    @Test
    void nativeAioThroughThePageCache() {
        refusesDrive(FILE, "aio = native", "aio", "native would block without cache.direct = on",
                "allowed: cache.direct = on beside it, or auto, io_uring, threads");
    }

    @Test
    void writableWindowOnAReadOnlyFile() {
        hocon.refuses("""
                vireo.drives.disk {
                  driver = raw
                  read-only = off
                  file { driver = file, filename = vm.img, read-only = on }
                }
                """, 3, "vireo.drives.disk.read-only", "is off, but the node below is read-only", "allowed: on");
    }

    @Test
    void nodeNameThatIsTaken() {
        hocon.refuses("""
                vireo.drives {
                  a { driver = null-co }
                  b { driver = raw, file {
                    node-name = a, driver = null-co } }
                }
                """, 4, "vireo.drives.b.file.node-name", "there is another node 'a'", "allowed: a name of its own");
    }

    @Test
    void detectZeroesForNow() {
        refusesDrive(FILE, "detect-zeroes = unmap", "detect-zeroes", "'unmap' is not available in this version",
                "allowed: off");
    }

    @Test
    void cpuThatDoesNotExist() {
        hocon.refuses("vireo.iothreads.io0 {\n  cpus = [1,\n 7]\n}", 3, "vireo.iothreads.io0.cpus",
                "there is no cpu 7 here", "allowed: 0-3");
    }

    @Test
    void cpuThatIsNoList() {
        refusesIothread("cpus = 1", "cpus", "is a number", "allowed: a list [ .. ]");
    }

    @Test
    void danglingDrive() {
        hocon.refuses("""
                vireo {
                  drives { scratch { driver = null-co }, vm-root { driver = null-co } }
                  devices.vda {
                    drive = vm-rot
                    transport.path = vda.sock
                  }
                }
                """, 4, "vireo.devices.vda.drive", "there is no drive 'vm-rot'",
                "did you mean vm-root? allowed: vm-root, scratch");
    }

    @Test
    void danglingDriveWithNoneToChoose() {
        hocon.refuses("vireo.devices.vda {\n drive = a, transport.fd = 3 }", 2, "vireo.devices.vda.drive",
                "there is no drive 'a'", "there is none");
    }

    @Test
    void deviceWithoutDrive() {
        hocon.refuses("vireo.devices.vda {\n transport.fd = 3 }", 1, "vireo.devices.vda.drive", "is missing",
                "allowed: the name of a drive");
    }

    @Test
    void danglingIothread() {
        refusesDevice("iothread = io2", "iothread", "there is no iothread 'io2'",
                "did you mean io0? allowed: io0, io1");
    }

    @Test
    void deviceOfAnotherType() {
        refusesDevice("type = virtio-scsi", "type", "unknown type 'virtio-scsi'", "allowed: virtio-blk");
    }

    @Test
    void mappingBesideIothread() {
        refusesDevice("iothread = io0, iothread-vq-mapping = [ { iothread = io1 } ]", "iothread-vq-mapping",
                "stands beside iothread", "allowed: one of the two");
    }

    @Test
    void mappingOfSomeQueuesOnly() {
        refusesDevice("num-queues = 5, iothread-vq-mapping = [ { iothread = io1, vqs = [0, 3] } ]",
                "iothread-vq-mapping", "nobody serves queue 1-2,4", "allowed: every queue once");
        refusesDevice("iothread-vq-mapping = [ { iothread = io1, vqs = [] } ]",
                "iothread-vq-mapping", "nobody serves queue 0", "allowed: every queue once");
    }

    @Test
    void mappingWithVqsHereAndThere() {
        refusesDevice("iothread-vq-mapping = [ { iothread = io1, vqs = [0] }, { iothread = io0 } ]",
                "iothread-vq-mapping", "only some entries have vqs", "allowed: all of them or none");
    }

    @Test
    void mappingOfOneQueueTwice() {
        refusesDevice("iothread-vq-mapping = [ { iothread = io1, vqs = [0] }, { iothread = io0, vqs = [0] } ]",
                "iothread-vq-mapping.vqs", "queue 0 is assigned twice", "allowed: once");
    }

    @Test
    void mappingOfAQueueThatDoesNotExist() {
        refusesDevice("iothread-vq-mapping = [ { iothread = io1, vqs = [0, 1] } ]",
                "iothread-vq-mapping.vqs", "'1' is not a number in range", "allowed: 0 to 0");
    }

    @Test
    void mappingThatNamesAnIothreadTwice() {
        refusesDevice("iothread-vq-mapping = [ { iothread = io1 }, { iothread = io1 } ]",
                "iothread-vq-mapping.iothread", "is in the list twice", "allowed: once");
    }

    @Test
    void mappingThatIsNoBlock() {
        refusesDevice("iothread-vq-mapping = [ io0 ]", "iothread-vq-mapping", "is a string",
                "allowed: a list of blocks { .. }");
    }

    @Test
    void emptyMapping() {
        refusesDevice("iothread-vq-mapping = []", "iothread-vq-mapping", "is empty", "allowed: at least one entry");
    }

    @Test
    void errorPolicies() {
        refusesDevice("rerror = no", "rerror", "unknown rerror 'no'",
                "allowed: auto, enospc, ignore, report, stop");
    }

    @Test
    void blockSizes() {
        refusesDevice("logical_block_size = 500", "logical_block_size", "'500' is not a power of two in range",
                "allowed: a power of two from 512 to 2097152");
        refusesDevice("logical_block_size = 4096, physical_block_size = 512", "logical_block_size",
                "is more than physical_block_size", "allowed: up to 512 bytes");
        refusesDevice("logical_block_size = 4096, opt_io_size = 512", "opt_io_size",
                "is not a multiple of the logical block", "allowed: multiples of 4096 bytes");
        refusesDevice("min_io_size = 33554432", "min_io_size", "'33554432' is not a number in range",
                "allowed: 0 to 33553920");
        refusesDevice("max-discard-sectors = 0", "max-discard-sectors", "'0' is not a number in range",
                "allowed: 1 to 4194303");
    }

    @Test
    void labelNames() {
        String allowed = "allowed: a letter, then letters, digits or '_'; not device, drive, iothread";
        refusesDevice("labels { drive = x }", "labels.drive", "is not a free label name", allowed);
        refusesDevice("labels { \"a-b\" = x }", "labels.a-b", "is not a free label name", allowed);
    }

    @Test
    void metricsPort() {
        hocon.refuses("vireo.metrics.port = 65536", 1, "vireo.metrics.port", "'65536' is not a number in range",
                "allowed: 0 to 65535");
    }

    @Test
    void deviceWithoutTransport() {
        hocon.refuses("vireo {\n drives.a.driver = null-co\n devices.vda.drive = a\n}", 3,
                "vireo.devices.vda.transport", "is missing",
                "allowed: transport { type = vhost-user, path = \"/run/vireo/vda.sock\" }");
    }

    @Test
    void transportWithoutAddress() {
        refusesDevice("transport = null, transport {}", "transport.path", "is missing",
                "allowed: the path of a socket, or fd with the number of an inherited one");
    }

    @Test
    void transportWithTwoAddresses() {
        hocon.refuses(DEVICE.formatted("transport.fd = 3"), 6, "vireo.devices.vda.transport.path", "stands beside fd",
                "allowed: fd alone, its socket exists already");
    }

    @Test
    void transportsThatDoNotExist() {
        refusesDevice("transport.role = both", "transport.role", "unknown role 'both'", "allowed: connect, listen");
        for (String key : new String[] {"mode = 0600", "group = kvm", "user = kvm"}) {
            refusesDevice("transport.role = connect, transport." + key, "transport." + key.substring(0, key.indexOf(' ')),
                    "stands beside role = connect", "allowed: path alone, its socket is the front-end's");
        }
        refusesDevice("transport.incoming = maybe", "transport.incoming", "'maybe' is not a switch",
                "allowed: on, off, true, false");
        refusesDevice("transport.type = vfio-user", "transport.type", "unknown type 'vfio-user'",
                "allowed: vhost-user");
    }

    @Test
    void socketMode() {
        for (String mode : List.of("0888", "rw", "01777", "66")) {
            refusesDevice("transport.mode = " + mode, "transport.mode", "'" + mode + "' is not a mode",
                    "allowed: three octal digits, as in \"0660\"");
        }
    }

    @Test
    void socketPathThatDoesNotFit() {
        String path = "/" + "x".repeat(107);
        refusesDevice("transport.path = " + path, "transport.path", "is 108 bytes long: " + path,
                "allowed: at most 107 in a UNIX socket's path");
    }

    @Test
    void twoDevicesOnOneSocket() {
        hocon.refuses("""
                vireo {
                  drives { a { driver = null-co }, b { driver = null-co } }
                  devices.vda { drive = a, transport.path = run/x.sock }
                  devices.vdb { drive = b, transport.path = run/../run/x.sock }
                }
                """, 4, "vireo.devices.vdb.transport.path",
                folder + "/run/x.sock is already the socket of device vda (" + folder
                        + "/vm.conf:3: vireo.devices.vda)", "allowed: a socket for each device");
    }

    @Test
    void twoDevicesOnOneDescriptor() {
        hocon.refuses("""
                vireo {
                  drives { a { driver = null-co }, b { driver = null-co } }
                  devices.vda { drive = a, transport.fd = 3 }
                  devices.vdb { drive = b, transport.fd = 3 }
                }
                """, 4, "vireo.devices.vdb.transport.fd", "descriptor 3 is already the socket of device vda ("
                        + folder + "/vm.conf:3: vireo.devices.vda)", "allowed: a socket for each device");
    }

    @Test
    void twoWritersOnOneDrive() {
        hocon.refuses("""
                vireo {
                  drives.a { driver = null-co }
                  devices.vda { drive = a, read-only = on, transport.fd = 3 }
                  devices.vdb { drive = a, transport.fd = 4 }
                }
                """, 4, "vireo.devices.vdb.drive", "'a' would be in use twice: its image is that of device vda ("
                        + folder + "/vm.conf:3: vireo.devices.vda)",
                "allowed: one device, or several that are all read-only");
    }

    @Test
    void twoDrivesOnOneFile() {
        hocon.refuses("""
                vireo {
                  drives.a { driver = raw, file { driver = file, filename = vm.img } }
                  drives.b { driver = file, filename = ./vm.img }
                  devices.vda { drive = a, transport.fd = 3 }
                  devices.vdb { drive = b, transport.fd = 4 }
                }
                """, 5, "vireo.devices.vdb.drive", "'b' would be in use twice: its image is that of device vda ("
                        + folder + "/vm.conf:4: vireo.devices.vda)",
                "allowed: one device, or several that are all read-only");
    }

    @Test
    void everythingWrongIsSaidAtOnceInTheOrderOfTheFile() {
        List<Problem> problems = hocon.problems("""
                vireo {
                  shutdown-timeout = 5
                  metrics.port = x
                  drives.a { driver = null-co, siez = 1G }
                  iothreads.io0.cpus = [9, 2, 8]
                }
                """);
        assertEquals(
                List.of("2 vireo.shutdown-timeout", "3 vireo.metrics.port", "4 vireo.drives.a.siez",
                        "5 vireo.iothreads.io0.cpus", "5 vireo.iothreads.io0.cpus"),
                problems.stream().map(problem -> problem.origin().line() + " " + problem.origin().path()).toList());
    }

    @Test
    void messageHasPlaceFaultAndRemedy() {
        assertEquals("vm.conf:7: vireo.a: 'x' is wrong; allowed: y",
                new ConfigException(List.of(
                        new Problem(new Origin("vm.conf", 7, "vireo.a"), "'x' is wrong", "allowed: y"))).getMessage());
        assertEquals("--set vireo.a: no such file", new Origin("--set vireo.a", 0, "").message("no such file"));
        assertEquals("no such file", Origin.PROGRAM.message("no such file"));
    }
}
