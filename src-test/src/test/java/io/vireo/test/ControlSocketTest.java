package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vireo.virtio.blk.BlkLayout;
import io.vireo.virtio.driver.BlkQueue;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The daemon's control socket: its file, and what it is asked. */
@Timeout(180)
final class ControlSocketTest {
    @TempDir
    Path folder;

    private Path control;
    private Path conf;
    private int metricsPort;

    @BeforeEach
    void configure() throws IOException {
        control = folder.resolve("control.sock");
        metricsPort = Scrape.freePort();
        conf = configuration("vm.conf", "vda", metricsPort);
    }

    private Path configuration(String name, String device, int port) throws IOException {
        return Files.writeString(folder.resolve(name), """
                vireo {
                  drives.disk { driver = null-co, size = 1M }
                  devices.%s { drive = disk, transport.path = %s.sock }
                  control.path = control.sock
                  metrics.port = %d
                }
                """.formatted(device, device, port));
    }

    private VireoDaemon serve() {
        return VireoDaemon.serve(Vireo.HOME, List.of(), conf, metricsPort, "vda");
    }

    @Test
    void isForItsOwnerAloneAndGoneAfterwards() throws IOException {
        try (VireoDaemon daemon = serve()) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(control)));
            Vireo.Result version = Vireo.run("qmp", control.toString(), "query-version");
            assertEquals(0, version.exit(), version.stderr());
            assertTrue(version.stdout().contains("\"package\":\"vireo-"), version.stdout());
            Vireo.Result wrong = Vireo.run("qmp", control.toString(), "query-version", "x=1");
            assertEquals(1, wrong.exit(), wrong.stdout());
            assertEquals("query-version: Parameter 'x' is unexpected", wrong.stderr());
            assertEquals(0, daemon.terminate(Duration.ofSeconds(10)), daemon.failure("end")::getMessage);
        }
        assertFalse(Files.exists(control), "the socket is left behind");
        Vireo.Result nobody = Vireo.run("qmp", control.toString(), "query-version");
        assertEquals(1, nobody.exit(), nobody.stdout());
    }

    @Test
    void isRefusedWhileAnotherServesItAndReplacedWhenThatIsDead() throws IOException {
        try (VireoDaemon daemon = serve()) {
            Path second = configuration("other.conf", "vdb", Scrape.freePort());
            Vireo.Result refused = Vireo.run("serve", second.toString());
            assertEquals(3, refused.exit(), refused.stderr());
            assertTrue(refused.stderr().contains(Long.toString(daemon.pid())), refused.stderr());
            assertFalse(Files.exists(folder.resolve("vdb.sock")), "something was made all the same");
            assertEquals(0, Vireo.run("qmp", control.toString(), "query-commands").exit());
        }
        Files.deleteIfExists(control);
        try (var dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(control));
        }
        Files.deleteIfExists(folder.resolve("vda.sock"));
        try (VireoDaemon _ = serve()) {
            assertEquals(0, Vireo.run("qmp", control.toString(), "query-commands").exit());
        }
    }

    @Test
    void pausesDrainsAndResumesADeviceAndShowsIt() {
        try (VireoDaemon daemon = serve(); AttachedDisk disk = AttachedDisk.at(folder.resolve("vda.sock"))) {
            BlkQueue queue = disk.requests(1);
            assertEquals(0, AttachedDisk.request(queue, BlkLayout.T_IN, 0, 512, true));
            assertEquals(0, vireo("pause", "vda").exit());
            queue.start(0, BlkLayout.T_IN, 0, 512, true);
            queue.submit();
            assertEquals(0, vireo("drain", "vda").exit());
            Vireo.Result status = vireo("status");
            assertTrue(status.stdout().startsWith("device vda: paused, client of pid " + ProcessHandle.current().pid() + "\n"),
                    status.stdout() + status.stderr());
            assertTrue(status.stdout().contains("requests: read 1; errors: none; in flight 0"), status.stdout());
            assertTrue(daemon.scrape().has("vireo_device_state", "device=\"vda\"", "state=\"paused\""));
            assertEquals(0, queue.pendingUsed());
            assertEquals(0, vireo("resume", "vda").exit());
            Await.until("the request is answered", () -> queue.pendingUsed() == 1);
            Vireo.Result json = vireo("qtree", "vda", "--json");
            assertTrue(json.stdout().startsWith("[{\"device\":\"vda\",\"type\":\"virtio-blk\",\"state\":\"running\""), json.stdout());
            Vireo.Result top = vireo("top", "-n", "2", "--json");
            assertEquals(2, top.out().size(), top.stdout() + top.stderr());
            assertTrue(top.out().getFirst().contains("\"device\":\"vda\",\"state\":\"running\",\"iops\":"), top.stdout());
            Vireo.Result wrong = vireo("pause", "vdx");
            assertEquals(1, wrong.exit());
            assertEquals("device-pause: Device 'vdx' not found; there are vda", wrong.stderr());
        }
    }

    @Test
    void resizesADiskForItsNextRequests() throws IOException {
        Path image = Files.write(folder.resolve("disk.img"), new byte[1 << 20]);
        Files.writeString(conf, Files.readString(conf).replace("driver = null-co, size = 1M", "driver = file, filename = disk.img"));
        try (VireoDaemon _ = serve(); AttachedDisk disk = AttachedDisk.at(folder.resolve("vda.sock"))) {
            BlkQueue queue = disk.requests(1);
            assertEquals(BlkLayout.S_IOERR, AttachedDisk.request(queue, BlkLayout.T_OUT, 4095, 512, false));
            Vireo.Result grown = vireo("resize", "vda", "2M");
            assertEquals("device vda: 2097152 bytes", grown.stdout(), grown.stderr());
            assertEquals(2 << 20, Files.size(image));
            assertEquals(BlkLayout.S_OK, AttachedDisk.request(queue, BlkLayout.T_OUT, 4095, 512, false));
            Vireo.Result refused = vireo("resize", "vda", "1M");
            assertEquals(1, refused.exit());
            assertTrue(refused.stderr().endsWith("would be lost; force would do it"), refused.stderr());
            assertEquals(0, vireo("resize", "vda", "1M", "--force").exit());
            assertEquals(1 << 20, Files.size(image));
            assertEquals(BlkLayout.S_IOERR, AttachedDisk.request(queue, BlkLayout.T_IN, 4095, 512, true));
        }
    }

    @Test
    void addsAndRemovesDevicesAndIothreadsWhileItServes() throws IOException {
        Path more = Files.writeString(folder.resolve("more.conf"), """
                vireo {
                  drives.second { driver = ram, size = 2M }
                  devices.vdb { drive = second, iothread = io1, transport.path = vdb.sock }
                }
                """);
        try (VireoDaemon daemon = serve(); AttachedDisk first = AttachedDisk.at(folder.resolve("vda.sock"))) {
            BlkQueue neighbour = first.requests(1);
            Vireo.Result early = vireo("device-add", more.toString());
            assertEquals(2, early.exit());
            assertTrue(early.stderr().contains(more + ":3: vireo.devices.vdb.iothread: there is no iothread 'io1'"), early.stderr());
            assertFalse(Files.exists(folder.resolve("vdb.sock")));

            assertEquals("iothread io1 added", vireo("iothread", "add", "io1", "poll-max=0").stdout());
            Vireo.Result wrong = vireo("iothread", "add", "io2", "poll-mx=0");
            assertTrue(wrong.stderr().contains("did you mean poll-max?"), wrong.stderr());
            Vireo.Result added = vireo("device-add", more.toString());
            assertEquals("drive second added\ndevice vdb added", added.stdout(), added.stderr());
            try (AttachedDisk second = AttachedDisk.at(folder.resolve("vdb.sock"))) {
                assertEquals(4096, second.capacitySectors());
                assertEquals(BlkLayout.S_OK, AttachedDisk.request(second.requests(1), BlkLayout.T_OUT, 8, 4096, false));
            }
            assertTrue(daemon.scrape().has("vireo_device_info", "device=\"vdb\""));
            assertTrue(vireo("status").stdout().contains("device vdb"));
            assertEquals("iothread-del: iothread io1: device vdb has it", vireo("iothread", "remove", "io1").stderr());
            assertEquals(0, vireo("device-del", "vdb").exit());
            assertEquals(0, vireo("iothread", "remove", "io1").exit());
            assertFalse(Files.exists(folder.resolve("vdb.sock")));
            assertFalse(daemon.scrape().has("vireo_device_info", "device=\"vdb\""));
            assertFalse(daemon.scrape().has("vireo_drive_info", "drive=\"second\""));

            String json = "{\"drives\":{\"second\":{\"driver\":\"ram\",\"size\":\"1M\"}},\"devices\":{\"vdb\":{\"drive\":\"second\","
                    + "\"transport\":{\"path\":\"" + folder.resolve("vdb.sock") + "\"}}}}";
            Vireo.Result again = vireo("device-add", json);
            assertEquals("drive second added\ndevice vdb added", again.stdout(), again.stderr());
            assertEquals(0, vireo("device-del", "vdb", "--force").exit());
            assertEquals(BlkLayout.S_OK, AttachedDisk.request(neighbour, BlkLayout.T_OUT, 0, 4096, false));
        }
    }

    private Vireo.Result vireo(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(List.of("--config", conf.toString()));
        return Vireo.run(all.toArray(String[]::new));
    }
}
