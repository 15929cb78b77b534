package io.vireo.test.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A guest that writes and reads back all the time, whose daemon is killed and started again: QEMU attaches to the next one
 * and hands over what was in flight; the guest notices a pause and no error, and every file is what was written. So it is when
 * the next daemon takes over from one that lives, and then QEMU does not notice either.
 */
final class GuestKilledDaemonTest {
    private static final long DISK_BYTES = 128L << 20;
    /** In a soak 20. */
    private static final int KILLS = Math.min(20, 2 * Integer.getInteger("vireo.soak", 1));
    private static final int WRITERS = 3;
    private static final int FILES = 4;

    /** Each writer rewrites its files in turn, and finds them on the disk as they were written. A reader keeps the disk busy. */
    private static final String JOB = """
            mkfs.ext4 -q -E nodiscard /dev/vda
            mount /dev/vda /mnt
            echo packed $(cut -c35 /sys/block/vda/device/features)
            cd /mnt
            work() {
                i=0
                while [ ! -e /tmp/stop ]; do
                    f=w$1.$((i %% %1$d))
                    head -c 300000 /dev/urandom > $f
                    sha256sum $f > s$f
                    sync
                    echo 3 > /proc/sys/vm/drop_caches
                    sha256sum -s -c s$f || { echo $f > /tmp/wrong; exit 1; }
                    i=$((i + 1))
                    echo $i > /tmp/rounds$1
                done
            }
            (cd /; while [ ! -e /tmp/stop ]; do cat /dev/vda > /dev/null; done) &
            workers=
            for w in $(seq %2$d); do work $w & workers="$workers $!"; done
            rounds() { cat /tmp/rounds$1 2>/dev/null || echo 0; }
            further() {
                for w in $(seq %2$d); do
                    before=$(rounds $w)
                    until [ $(rounds $w) -gt $((before + $1)) ]; do
                        [ ! -e /tmp/wrong ] || { echo wrong $(cat /tmp/wrong); exit 1; }
                        sleep 0.1
                    done
                done
            }
            for kill in $(seq %3$d); do
                further 1
                echo working
                read -r _
                further 1
                echo went-on
            done
            touch /tmp/stop
            for w in $workers; do wait $w; done
            sync
            echo 3 > /proc/sys/vm/drop_caches
            cat sw* > /tmp/sums
            sha256sum -s -c /tmp/sums
            echo errors $(dmesg | grep -c 'I/O error')
            cd /
            umount /mnt
            """.formatted(FILES, WRITERS, KILLS);

    private static GuestImage image;

    private Path folder;

    @BeforeAll
    static void buildGuest() {
        assumeFalse(Boolean.getBoolean("vireo.without-guest"), "--without-guest");
        image = GuestImage.built();
    }

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createTempDirectory(Path.of("/var/tmp"), "vireo-");
    }

    @AfterEach
    void removeFolder() throws IOException {
        if (folder == null) return;
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(path);
        }
    }

    @ParameterizedTest(name = "packed={0}")
    @ValueSource(strings = {"off", "on"})
    @Tag("vhost-user-INFLIGHT/qemu")
    void aGuestLosesNothingWhenItsDaemonIsKilled(String packed) throws IOException {
        replaceUnderAGuest(packed, false);
    }

    @Test
    void aGuestLosesNothingWhenItsDaemonIsTakenOver() throws IOException {
        replaceUnderAGuest("off", true);
    }

    private void replaceUnderAGuest(String packed, boolean takesOver) throws IOException {
        Path disk = folder.resolve("disk.img");
        try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        int port = Scrape.freePort();
        Path conf = Files.writeString(folder.resolve("vireo.conf"), """
                vireo {
                  drives.disk { driver = file, filename = disk.img, cache.direct = on }
                  devices.vda { drive = disk, packed = %s, transport.path = vda.sock }
                  metrics { host = "127.0.0.1", port = %d }
                  control.path = control.sock
                }
                """.formatted(packed, port));
        List<String> devices = new ArrayList<>();
        try (Child args = Vireo.start(Vireo.HOME, List.of(), List.of("qemu-args", conf.toString(), "vda", "--memory", "256M"))) {
            if (args.awaitExit(Vireo.PATIENCE) != 0) throw args.failure("failed");
            for (String line : args.out()) devices.addAll(List.of(line.strip().split("\\s+")));
        }
        long resubmits = 0;
        VireoDaemon daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda");
        try (Guest guest = Guest.boot(image, folder, List.of(), 2, devices, JOB)) {
            assertEquals(packed.equals("on") ? "1" : "0", guest.await("packed"));
            for (int kill = 0; kill < KILLS; kill++) {
                guest.await("working");
                VireoDaemon dying = daemon;
                Await.until("something is in flight",
                        () -> dying.scrape().value("vireo_device_inflight_requests", "device=\"vda\"") > 0);
                resubmits += resubmits(daemon);
                if (takesOver) {
                    daemon = VireoDaemon.takeOver(conf, port);
                    daemon.awaitReady("vda");
                    assertEquals(0, dying.awaitExit(Duration.ofSeconds(10)), dying.failure("after it")::getMessage);
                    assertEquals(1, daemon.scrape().value("vireo_client_connected", "device=\"vda\""));
                } else {
                    daemon.close();
                    daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda");
                }
                guest.tell("replaced");
                guest.await("went-on");
            }
            resubmits += resubmits(daemon);
            assertEquals("0", guest.await("errors"));
            guest.awaitPowerOff();
            assertEquals(0, daemon.terminate(Duration.ofSeconds(10)), daemon.failure("after SIGTERM")::getMessage);
        } finally {
            daemon.close();
        }
        // An emulated guest has seldom something in flight: a few kills may find nothing.
        if (KILLS == 20 && !takesOver) assertNotEquals(0, resubmits, "no kill found a request in flight");
        ProcessBuilder fsck = new ProcessBuilder("e2fsck", "-fn", disk.toString());
        fsck.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        try (Child child = Child.start("e2fsck", fsck)) {
            assertEquals(0, child.awaitExit(Duration.ofSeconds(60)), () -> child.failure("failed").getMessage());
        }
    }

    private static long resubmits(VireoDaemon daemon) {
        return daemon.err().stream().filter(line -> line.contains("resubmitted")).count();
    }
}
