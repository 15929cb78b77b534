package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What {@code serve} and {@code check} refuse: status 2, file, line and path on stderr, and nothing created. */
final class ServeRefusalTest {
    @TempDir
    Path folder;

    @BeforeEach
    void makeImages() throws IOException {
        image("good.img", 1 << 20);
        image("empty.img", 0);
        image("odd.img", 1000);
    }

    /** What line 4, a drive, or line 5, a device, may not say, and the words that the message must have. */
    static Stream<Arguments> refusals() {
        String drive = "drives.disk { driver = raw, file { driver = file, filename = good.img } }";
        String device = "devices.vda { drive = disk, iothread = io0, transport.path = sub/vda.sock }";
        return Stream.of(
                Arguments.of("unknown key", drive, "devices.vda { drive = disk, num-queue = 1, transport.path = sub/vda.sock }",
                        5, List.of("vireo.devices.vda.num-queue", "num-queues")),
                Arguments.of("wrong type", drive, "devices.vda { drive = disk, num-queues = many, transport.path = sub/vda.sock }",
                        5, List.of("vireo.devices.vda.num-queues", "many")),
                Arguments.of("out of range", drive, "devices.vda { drive = disk, num-queues = 257, transport.path = sub/vda.sock }",
                        5, List.of("vireo.devices.vda.num-queues", "256")),
                Arguments.of("reference to nothing", drive, "devices.vda { drive = dusk, transport.path = sub/vda.sock }",
                        5, List.of("vireo.devices.vda.drive", "dusk", "disk")),
                Arguments.of("two devices on one socket",
                        "drives { a { driver = null-co }, b { driver = null-co } }",
                        "devices { vda { drive = a, transport.path = sub/x.sock }, vdb { drive = b, transport.path = sub/x.sock } }",
                        5, List.of("vireo.devices.vdb", "x.sock", "vda")),
                Arguments.of("unknown error policy", drive,
                        "devices.vda { drive = disk, werror = halt, transport.path = sub/vda.sock }",
                        5, List.of("vireo.devices.vda.werror", "report")),
                Arguments.of("a group that is not there", drive,
                        "devices.vda { drive = disk, transport { path = sub/vda.sock, group = no-such-group } }",
                        5, List.of("vireo.devices.vda.transport", "no group 'no-such-group'")),
                Arguments.of("a file where the socket shall be", drive,
                        "devices.vda { drive = disk, transport.path = good.img }",
                        5, List.of("vireo.devices.vda.transport", "good.img", "not a socket")),
                Arguments.of("missing image", drive.replace("good", "missing"), device, 4, List.of("missing.img")),
                Arguments.of("empty image", drive.replace("good", "empty"), device, 4, List.of("empty.img", "empty")),
                Arguments.of("image of odd size", drive.replace("good", "odd"), device, 4,
                        List.of("odd.img", "1000", "512")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusals")
    void refuses(String name, String drive, String device, int line, List<String> words) {
        Path conf = configure("iothreads.io0 {}", drive, device);
        List<Path> before = tree();
        for (String command : List.of("serve", "check")) {
            Vireo.Result result = Vireo.run(command, conf.toString());
            assertEquals(2, result.exit(), command + ": " + result.stderr());
            assertEquals("", result.stdout(), command + " has no result to print");
            assertTrue(result.stderr().contains(conf + ":" + line), command + " names no line " + line + ": " + result.stderr());
            for (String word : words) {
                assertTrue(result.stderr().contains(word), command + " does not say '" + word + "': " + result.stderr());
            }
            assertEquals(before, tree(), command + " created something");
        }
    }

    @Test
    void makesNothingWhenItMayNotShowItsMetrics() throws IOException {
        Path conf = configure("metrics {}", "drives.disk { driver = null-co }",
                "devices.vda { drive = disk, transport.path = sub/vda.sock }");
        List<Path> before = tree();
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Vireo.Result result = Vireo.run("serve", conf.toString(), "--set", "vireo.metrics.port=" + taken.getLocalPort());
            assertEquals(3, result.exit(), result.stderr());
            assertTrue(result.stderr().contains(Integer.toString(taken.getLocalPort())), result.stderr());
        }
        Vireo.Result nowhere = Vireo.run("serve", conf.toString(), "--set", "vireo.metrics.host=no-such-host.invalid");
        assertEquals(2, nowhere.exit(), nowhere.stderr());
        assertTrue(nowhere.stderr().contains("no host 'no-such-host.invalid'"), nowhere.stderr());
        assertEquals(before, tree(), "something was created");
    }

    @Test
    void refusesACpuThatDoesNotExist() {
        Path conf = configure("iothreads.io0 { cpus = [4095] }", "drives.disk { driver = null-co }",
                "devices.vda { drive = disk, iothread = io0, transport.path = sub/vda.sock }");
        Vireo.Result result = Vireo.run("serve", conf.toString());
        assertEquals(2, result.exit(), result.stderr());
        assertTrue(result.stderr().contains(conf + ":3"), result.stderr());
        assertTrue(result.stderr().contains("4095"), result.stderr());
    }

    @Test
    void refusesAMissingFile() {
        Vireo.Result result = Vireo.run("serve", folder.resolve("none.conf").toString());
        assertEquals(2, result.exit(), result.stderr());
        assertTrue(result.stderr().contains("none.conf"), result.stderr());
    }

    @Test
    void refusesBrokenSyntaxWithItsLine() throws IOException {
        Path conf = Files.writeString(folder.resolve("vireo.conf"), "vireo {\n  drives.a {\n");
        Vireo.Result result = Vireo.run("check", conf.toString());
        assertEquals(2, result.exit(), result.stderr());
        assertTrue(result.stderr().contains("vireo.conf"), result.stderr());
        assertTrue(result.stderr().lines().noneMatch(l -> l.strip().startsWith("at ")), "a stack trace: " + result.stderr());
    }

    @Test
    void refusesAnUnknownCommandAndAMissingArgument() {
        for (String[] arguments : new String[][] {{"sevre"}, {"serve"}, {}, {"qemu-args"}}) {
            Vireo.Result result = Vireo.run(arguments);
            assertEquals(2, result.exit(), () -> String.join(" ", arguments) + ": " + result.stderr());
            assertEquals("", result.stdout());
        }
    }

    @Test
    void theVersionIsOneWhoeverIsAsked() {
        String version = Vireo.run("--version").stdout();
        assertTrue(version.matches("vireo [0-9]+\\.[0-9].*"), version);
        for (String command : List.of("serve", "status", "pause", "vm")) {
            Vireo.Result result = Vireo.run(command, "--version");
            assertEquals(0, result.exit(), () -> command + ": " + result.stderr());
            assertEquals(version, result.stdout(), command);
        }
    }

    @Test
    void helpIsAResult() {
        for (String[] arguments : new String[][] {{"--help"}, {"help", "serve"}, {"serve", "--help"}}) {
            Vireo.Result result = Vireo.run(arguments);
            assertEquals(0, result.exit(), () -> String.join(" ", arguments) + ": " + result.stderr());
            assertTrue(result.stdout().toLowerCase().contains("vireo"), result.stdout());
        }
    }

    private Path configure(String iothread, String drive, String device) {
        try {
            return Files.writeString(folder.resolve("vireo.conf"),
                    "# line 1\nvireo {\n" + iothread + "\n" + drive + "\n" + device + "\n}\n");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void image(String name, long sizeBytes) throws IOException {
        try (var file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
    }

    private List<Path> tree() {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.sorted().toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
