package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** A daemon's start beside others that want the same, and its end. */
@Isolated("a start and a stop within a second")
final class ServeLifeTest {
    private static final Duration A_SECOND = Duration.ofSeconds(1);

    @TempDir
    Path folder;

    private Path disk;
    private Path socket;
    private int metricsPort;

    @BeforeEach
    void makeDisk() throws IOException {
        disk = folder.resolve("disk.img");
        socket = folder.resolve("vda.sock");
        metricsPort = Scrape.freePort();
        try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(1 << 20);
        }
    }

    @Test
    void endsOnSigtermWithinASecondAndSaysWhy() {
        endsOn("TERM");
    }

    @Test
    void endsOnSigintWithinASecondAndSaysWhy() {
        endsOn("INT");
    }

    @Test
    void endsOnSighupWithinASecondAndSaysWhy() {
        endsOn("HUP");
    }

    @Test
    void endsWithStatusZeroOnASignalDuringItsStart() throws IOException {
        Path conf = configure("vda", "vda.sock", onDisk());
        Path slow = folder.resolve("slow.conf");
        run("mkfifo", slow.toString());
        try (Child daemon = Vireo.start(Vireo.HOME, List.of(), List.of("serve", slow.toString()))) {
            // Opening waits for the reader: the daemon is about to read what it shall serve.
            try (var configuration = Files.newOutputStream(slow, StandardOpenOption.WRITE)) {
                daemon.terminate();
                Files.copy(conf, configuration);
            }
            assertEquals(0, daemon.awaitExit(Vireo.PATIENCE), () -> daemon.failure("ended badly").getMessage());
            assertTrue(daemon.err().getLast().contains("SIGTERM"), () -> daemon.failure("did not say why").getMessage());
        }
    }

    @Test
    void saysWhyItEndedAtEveryLogLevel() throws IOException {
        for (String level : List.of("warn", "error")) {
            Path conf = configure("vda", "vda.sock", onDisk());
            Files.writeString(conf, Files.readString(conf).replace("vireo {", "vireo {\nlog.level = " + level));
            try (Child daemon = serve(conf)) {
                daemon.terminate();
                assertEquals(0, daemon.awaitExit(Vireo.PATIENCE));
                assertEquals(1, daemon.err().size(), () -> daemon.failure("says more or less than why").getMessage());
                assertTrue(daemon.err().getLast().contains("ended by SIGTERM"), daemon.err().getLast());
            }
        }
    }

    @Test
    void warnsOnceThatItHasNothingToServe() throws IOException {
        Path conf = Files.writeString(folder.resolve("none.conf"), "vireo { drives.none { driver = null-co } }\n");
        try (Child daemon = Vireo.start(Vireo.HOME, List.of(), List.of("serve", conf.toString()))) {
            Await.until("it warned", () -> !daemon.err().isEmpty());
            daemon.terminate();
            assertEquals(0, daemon.awaitExit(Vireo.PATIENCE));
            List<String> warnings = daemon.err().stream().filter(line -> line.contains("WARN")).toList();
            assertEquals(1, warnings.size(), () -> daemon.failure("warned otherwise").getMessage());
            assertTrue(warnings.getFirst().endsWith("no devices: nothing to serve"), warnings.getFirst());
        }
    }

    private void endsOn(String signal) {
        try (Child daemon = serve(configure("vda", "vda.sock", onDisk()))) {
            run("kill", "-" + signal, Long.toString(daemon.pid()));
            assertEquals(0, daemon.awaitExit(A_SECOND));
            assertTrue(daemon.err().getLast().contains("SIG" + signal), () -> daemon.failure("did not say why").getMessage());
            assertFalse(Files.exists(socket), "its socket is left behind");
            assertFalse(String.join("\n", daemon.err()).contains("Slf4jLogger"), "tells of its logger");
        }
    }

    @Test
    void givesTheSocketTheModeThatWasAskedFor() throws IOException {
        Path conf = configure("vda", "vda.sock", onDisk());
        Files.writeString(conf, Files.readString(conf).replace("path =", "mode = \"0640\", path ="));
        try (Child _ = serve(conf)) {
            assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        }
    }

    @Test
    void isRefusedAnImageThatQemuWrites() {
        Path conf = configure("vda", "vda.sock", onDisk());
        try (Child qemuIo = Child.start("qemu-io", new ProcessBuilder("qemu-io", "-f", "raw", disk.toString()))) {
            qemuIo.tell("length");
            qemuIo.awaitOut(0, line -> line.contains("1 MiB"), "the length", Vireo.PATIENCE);
            Vireo.Result result = Vireo.run("serve", conf.toString());
            assertEquals(3, result.exit(), result.stderr());
            assertTrue(result.stderr().contains(disk.toString()), result.stderr());
            assertTrue(result.stderr().contains(Long.toString(qemuIo.pid())), "does not name the holder: " + result.stderr());
            assertFalse(Files.exists(socket));
        }
        try (Child _ = serve(conf)) {
            assertTrue(Files.exists(socket), "the image is free again");
        }
    }

    @Test
    void refusesQemuTheImageThatItWrites() {
        ProcessBuilder write = new ProcessBuilder("qemu-io", "-f", "raw", "-c", "write 0 512", disk.toString());
        try (Child _ = serve(configure("vda", "vda.sock", onDisk()));
                Child qemuIo = Child.start("qemu-io", write)) {
            assertEquals(1, qemuIo.awaitExit(Vireo.PATIENCE));
            assertTrue(String.join("\n", qemuIo.err()).contains("lock"), () -> qemuIo.failure("says no lock").getMessage());
        }
    }

    @Test
    void isRefusedASocketThatAnotherServes() {
        try (Child first = serve(configure("vda", "vda.sock", "driver = null-co, size = 1M"))) {
            metricsPort = Scrape.freePort();
            Path second = configure("vdb", "vda.sock", "driver = null-co, size = 1M");
            Vireo.Result result = Vireo.run("serve", second.toString());
            assertEquals(3, result.exit(), result.stderr());
            assertTrue(result.stderr().contains(socket.toString()), result.stderr());
            assertTrue(result.stderr().contains(Long.toString(first.pid())), "does not name the holder: " + result.stderr());
            assertTrue(connects(), "the first one's socket is gone");
        }
    }

    @Test
    void replacesTheSocketOfTheDead() throws IOException {
        try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(socket));
        }
        assertTrue(Files.exists(socket));
        assertFalse(connects());
        try (Child _ = serve(configure("vda", "vda.sock", "driver = null-co, size = 1M"))) {
            assertTrue(connects());
        }
    }

    @Test
    void isRefusedAPathThatIsNoSocket() throws IOException {
        Files.writeString(socket, "somebody's notes");
        Vireo.Result result = Vireo.run("serve", configure("vda", "vda.sock", "driver = null-co, size = 1M").toString());
        assertTrue(result.exit() == 2 || result.exit() == 3, result.stderr());
        assertEquals("somebody's notes", Files.readString(socket));
    }

    @Test
    void checkSaysWhatWouldRunAndTouchesNothing() throws IOException {
        Vireo.Result result = Vireo.run("check", configure("vda", "sub/vda.sock", onDisk()).toString());
        assertEquals(0, result.exit(), result.stderr());
        assertTrue(result.stdout().contains("vda"), result.stdout());
        assertFalse(Files.exists(folder.resolve("sub")), "check created the socket's folder");
    }

    @Test
    void startsThroughASymbolicLinkInAnotherFolder() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("vireo"), Vireo.HOME.resolve("vireo"));
        ProcessBuilder builder = new ProcessBuilder(link.toString(), "--version").directory(folder.toFile());
        builder.environment().put("VIREO_BUILD", "no");
        try (Child child = Child.start("vireo", builder)) {
            assertEquals(0, child.awaitExit(Vireo.PATIENCE));
            assertTrue(String.join("\n", child.out()).contains("0.1.0"), () -> child.failure("says no version").getMessage());
        }
    }

    private Child serve(Path conf) {
        Child child = Vireo.start(Vireo.HOME, List.of(), List.of("serve", conf.toString()));
        try {
            child.awaitOut(0, line -> line.contains("vd"), "that its device is ready", Vireo.PATIENCE);
            return child;
        } catch (AssertionError e) {
            child.close();
            throw e;
        }
    }

    private String onDisk() {
        return "driver = raw, file { driver = file, filename = \"" + disk + "\" }";
    }

    private Path configure(String device, String socketPath, String drive) {
        try {
            return Files.writeString(folder.resolve(device + ".conf"), """
                    vireo {
                      drives.disk { %s }
                      devices.%s { drive = disk, transport { type = vhost-user, path = "%s" } }
                      metrics { host = "127.0.0.1", port = %d }
                    }
                    """.formatted(drive, device, socketPath, metricsPort));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private boolean connects() {
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static void run(String... command) {
        try (Child child = Child.start(command[0], new ProcessBuilder(command))) {
            assertEquals(0, child.awaitExit(Vireo.PATIENCE), String.join(" ", command));
        }
    }
}
