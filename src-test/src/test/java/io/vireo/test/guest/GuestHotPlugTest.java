package io.vireo.test.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.vireo.test.Await;
import io.vireo.test.Child;
import io.vireo.test.Scrape;
import io.vireo.test.Vireo;
import io.vireo.test.VireoDaemon;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Disks that come and go under a running guest, which writes and verifies its first disk all the while. */
final class GuestHotPlugTest {
    private static final int CYCLES = 3 * Integer.getInteger("vireo.soak", 1);

    private static final String JOB = """
            mkfs.ext4 -q -E nodiscard /dev/vda
            mount /dev/vda /mnt
            work() {
                while [ ! -e /tmp/stop ]; do
                    head -c 300000 /dev/urandom > /mnt/f
                    sha256sum /mnt/f > /tmp/f.sum
                    sync
                    echo 3 > /proc/sys/vm/drop_caches
                    sha256sum -s -c /tmp/f.sum || touch /tmp/broken
                    touch /tmp/worked
                done
            }
            work &
            worker=$!
            head -c 1000000 /dev/urandom > /tmp/data
            for cycle in $(seq %d); do
                echo waiting
                # The kernel makes the node a moment before it lets anybody open it.
                until head -c 512 /dev/vdb > /dev/null 2>&1; do sleep 0.1; done
                dd if=/tmp/data of=/dev/vdb bs=4k conv=fsync 2> /tmp/dd || { cat /tmp/dd; false; }
                echo 3 > /proc/sys/vm/drop_caches
                head -c 1000000 /dev/vdb | cmp - /tmp/data
                echo plugged $(cat /sys/block/vdb/size)
                while [ -e /sys/block/vdb ]; do sleep 0.1; done
                echo unplugged
                read -r _
            done
            touch /tmp/stop
            wait $worker
            [ -e /tmp/worked ]
            [ ! -e /tmp/broken ]
            umount /mnt
            """.formatted(CYCLES);

    private static GuestImage image;

    private Path folder;

    @BeforeAll
    static void buildGuest() {
        assumeFalse(Boolean.getBoolean("vireo.without-guest"), "--without-guest");
        image = GuestImage.built();
    }

    @BeforeEach
    void makeDisks() throws IOException {
        folder = Files.createTempDirectory(Path.of("/var/tmp"), "vireo-");
        for (String name : List.of("first.img", "second.img")) {
            try (var file = new RandomAccessFile(folder.resolve(name).toFile(), "rw")) {
                file.setLength(64 << 20);
            }
        }
    }

    @AfterEach
    void removeDisks() throws IOException {
        if (folder == null) return;
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(path);
        }
    }

    /** Not in each run until it has passed many: a guest that was done powered off while QEMU was still asked. */
    @Test
    @Tag("soak")
    void aGuestSeesADiskComeAndGoAsOftenAsItDoes() throws IOException {
        int port = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.first { driver = file, filename = first.img, cache.direct = on }
                  devices.vda { drive = first, transport.path = vda.sock }
                  control.path = control.sock
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(port));
        Path more = Files.writeString(folder.resolve("more.conf"), """
                vireo {
                  iothreads.io1 {}
                  drives.second { driver = file, filename = second.img, cache.direct = on }
                  devices.vdb { drive = second, iothread = io1, transport.path = vdb.sock }
                }
                """);
        try (VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda")) {
            List<String> devices = new ArrayList<>();
            for (String line : vireo("qemu-args", conf.toString(), "vda", "--memory", "256M")) {
                devices.addAll(List.of(line.strip().split("\\s+")));
            }
            Path monitor = folder.resolve("qmp.sock");
            devices.addAll(List.of("-qmp", "unix:" + monitor + ",server=on,wait=off"));
            try (Guest guest = Guest.boot(image, folder, List.of(), 1, devices, JOB); Qmp qmp = Qmp.connect(monitor)) {
                for (int cycle = 0; cycle < CYCLES; cycle++) {
                    guest.await("waiting");
                    control(conf, "device-add", more.toString());
                    plug(qmp);
                    assertEquals(Integer.toString((64 << 20) / 512), guest.await("plugged"));
                    unplug(qmp);
                    guest.await("unplugged");
                    guest.tell("go on"); // not before: with its job done it powers off, and QEMU's monitor goes
                    control(conf, "device-del", "vdb");
                    control(conf, "iothread", "remove", "io1");
                    assertFalse(daemon.scrape().has("vireo_device_info", "device=\"vdb\""));
                }
                guest.awaitPowerOff();
            }
            assertEquals(0, daemon.terminate(Duration.ofSeconds(10)), () -> daemon.failure("after SIGTERM").getMessage());
        }
    }

    private void plug(Qmp qmp) {
        qmp.execute("\"chardev-add\", \"arguments\": {\"id\": \"c1\", \"backend\": {\"type\": \"socket\", \"data\": {\"server\": false,"
                + " \"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"" + folder.resolve("vdb.sock") + "\"}}}}}");
        qmp.execute("\"device_add\", \"arguments\": {\"driver\": \"vhost-user-blk-pci\", \"id\": \"d1\", \"chardev\": \"c1\","
                + " \"num-queues\": 1}");
    }

    private static void unplug(Qmp qmp) {
        qmp.execute("\"device_del\", \"arguments\": {\"id\": \"d1\"}");
        Await.until("QEMU has taken the device out", () ->
                !qmp.execute("\"qom-list\", \"arguments\": {\"path\": \"/machine/peripheral\"}").contains("\"d1\""));
        // The device leaves its tree at once, and lets go of the character device a moment later.
        Await.until("QEMU lets the socket go", () -> qmp.tries("\"chardev-remove\", \"arguments\": {\"id\": \"c1\"}"));
    }

    private static void control(Path conf, String... command) {
        List<String> arguments = new ArrayList<>(Arrays.asList(command));
        arguments.addAll(List.of("--config", conf.toString()));
        vireo(arguments.toArray(String[]::new));
    }

    private static List<String> vireo(String... arguments) {
        try (Child child = Vireo.start(Vireo.HOME, List.of(), List.of(arguments))) {
            if (child.awaitExit(Vireo.PATIENCE) != 0) throw child.failure("failed");
            return child.out();
        }
    }
}
