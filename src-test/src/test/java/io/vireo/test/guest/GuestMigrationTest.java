package io.vireo.test.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A guest that writes and reads all the time moves from one QEMU, and one daemon, to another, with the same image. What
 * it has read into its page cache and what it wrote must be right afterwards: in memory, for which the first daemon
 * marked the pages that it wrote, and on the disk, which the second took over.
 */
@Tag("vhost-user-LOG_SHMFD")
final class GuestMigrationTest {
    private static final long DISK_BYTES = 128L << 20;
    private static final int MOVES = Integer.getInteger("vireo.soak", 1);
    private static final int FILES = 16;

    /**
     * Not a multiple of 64 pages, because QEMU before 9.0 loses writes of an emulated processor in such a migration:
     * where it takes 64 marks of dirty pages at a time it forgets to have the processor mark them again.
     */
    private static final String MEMORY = "262136K";

    /**
     * The worker rewrites files in turn with their sums; it drops the cache after each and reads all of them back, so
     * that the disk writes into memory all the time. The sums are judged from the cache first, then from the disk.
     */
    private static final String JOB = """
            echo packed $(cut -c35 /sys/block/vda/device/features)
            mkfs.ext4 -q -E nodiscard /dev/vda
            mount /dev/vda /mnt
            cd /mnt
            work() {
                i=0
                while [ ! -e /tmp/stop ]; do
                    f=$((i %% %1$d))
                    head -c 400000 /dev/urandom > f$f
                    sha256sum f$f > s$f
                    sync
                    echo 3 > /proc/sys/vm/drop_caches
                    cat f* > /dev/null
                    i=$((i + 1))
                    echo $i > /tmp/next-rounds
                    mv /tmp/next-rounds /tmp/rounds
                done
            }
            work &
            worker=$!
            until [ "$(cat /tmp/rounds 2>/dev/null)" -ge %1$d ] 2>/dev/null; do sleep 0.1; done
            for move in $(seq %2$d); do
                echo working
                read -r _
                before=$(cat /tmp/rounds)
                until [ "$(cat /tmp/rounds)" -ge $((before + 3)) ]; do sleep 0.1; done
                echo went-on
            done
            touch /tmp/stop
            wait $worker
            cat s* > /tmp/sums
            sha256sum -s -c /tmp/sums
            echo in-memory
            sync
            echo 3 > /proc/sys/vm/drop_caches
            sha256sum -s -c /tmp/sums
            echo on-disk
            cd /
            umount /mnt
            """.formatted(FILES, MOVES);

    private static GuestImage image;

    private Path folder;
    private Path disk;

    @BeforeAll
    static void buildGuest() {
        assumeFalse(Boolean.getBoolean("vireo.without-guest"), "--without-guest");
        image = GuestImage.built();
    }

    @BeforeEach
    void makeDisk() throws IOException {
        folder = Files.createTempDirectory(Path.of("/var/tmp"), "vireo-");
        disk = folder.resolve("disk.img");
        try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
    }

    @AfterEach
    void removeDisk() throws IOException {
        if (folder == null) return;
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(path);
        }
    }

    /** One QEMU and its daemon. */
    private final class Host implements AutoCloseable {
        final Path home;
        final VireoDaemon daemon;
        final List<String> devices;
        Guest guest;
        Qmp qmp;

        Host(int number, String packed, boolean incoming) throws IOException {
            home = Files.createDirectory(folder.resolve("host" + number));
            int port = Scrape.freePort();
            Path conf = Files.writeString(home.resolve("vireo.conf"), """
                    vireo {
                      drives.disk { driver = file, filename = "%s", cache.direct = on }
                      devices.vda { drive = disk, packed = %s, transport { path = vda.sock, incoming = %s } }
                      metrics { host = "127.0.0.1", port = %d }
                    }
                    """.formatted(disk, packed, incoming ? "on" : "off", port));
            daemon = VireoDaemon.serve(Vireo.HOME, List.of(), conf, port, "vda");
            devices = new ArrayList<>();
            try (Child args = Vireo.start(Vireo.HOME, List.of(), List.of("qemu-args", conf.toString(), "vda", "--memory", MEMORY))) {
                if (args.awaitExit(Vireo.PATIENCE) != 0) throw args.failure("failed");
                for (String line : args.out()) devices.addAll(List.of(line.strip().split("\\s+")));
            }
            devices.addAll(List.of("-qmp", "unix:" + home.resolve("qmp.sock") + ",server=on,wait=off"));
        }

        void boot() {
            guest = Guest.boot(image, home, List.of(), 1, devices, JOB);
            qmp = Qmp.connect(home.resolve("qmp.sock"));
        }

        void awaitIncoming() {
            guest = Guest.awaitIncoming(image, home, 1, devices, JOB, uri());
            qmp = Qmp.connect(home.resolve("qmp.sock"));
        }

        String uri() {
            return "unix:" + home.resolve("migration.sock");
        }

        void moveTo(Host next) {
            qmp.execute("\"migrate-set-parameters\", \"arguments\": {\"max-bandwidth\": 1000000000, \"downtime-limit\": 2000}");
            qmp.execute("\"migrate\", \"arguments\": {\"uri\": \"" + next.uri() + "\"}");
            Await.until("the guest has moved", () -> {
                String status = qmp.execute("\"query-migrate\"");
                assertTrue(!status.contains("\"failed\"") && !status.contains("\"cancelled\""), status);
                return status.contains("\"status\": \"completed\"");
            });
        }

        @Override
        public void close() {
            if (qmp != null) qmp.close();
            if (guest != null) guest.close();
            daemon.close();
        }
    }

    /** Packed ones take their turn in the soak: a move is a start of a QEMU and a daemon. */
    static List<String> rings() {
        return MOVES == 1 ? List.of("off") : List.of("off", "on");
    }

    @ParameterizedTest(name = "packed={0}")
    @MethodSource("rings")
    void movesAGuestThatWritesToAnotherDaemonOfTheSameImage(String packed) throws IOException {
        Host host = new Host(0, packed, false);
        try {
            host.boot();
            assertEquals(packed.equals("on") ? "1" : "0", host.guest.await("packed"));
            for (int move = 1; move <= MOVES; move++) {
                host.guest.await("working");
                Host next = new Host(move, packed, true);
                try (Host before = host) {
                    host = next;
                    next.awaitIncoming();
                    before.moveTo(next);
                    next.guest.tell("moved");
                    next.guest.await("went-on");
                    assertTrue(next.daemon.scrape().requests("vda", "write") > 0);
                    assertTrue(before.daemon.err().stream().anyMatch(line -> line.contains("handed-over") || line.contains("left to whom")));
                    assertEquals(0, before.daemon.terminate(Duration.ofSeconds(10)),
                            () -> before.daemon.failure("after SIGTERM").getMessage());
                }
            }
            host.guest.await("in-memory");
            host.guest.await("on-disk");
            host.guest.awaitPowerOff();
            assertEquals(0, host.daemon.terminate(Duration.ofSeconds(10)));
        } finally {
            host.close();
        }
        ProcessBuilder fsck = new ProcessBuilder("e2fsck", "-fn", disk.toString());
        fsck.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        try (Child child = Child.start("e2fsck", fsck)) {
            assertEquals(0, child.awaitExit(Duration.ofSeconds(60)), () -> child.failure("failed").getMessage());
        }
    }
}
