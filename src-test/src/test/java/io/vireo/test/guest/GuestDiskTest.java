package io.vireo.test.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.vireo.test.Child;
import io.vireo.test.Scrape;
import io.vireo.test.Vireo;
import io.vireo.test.VireoDaemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A guest makes a file system on a disk of ours, fills it, reads it back past its cache, discards, and finds everything
 * again after a reboot; then the host looks at the image. QEMU is started with what {@code qemu-args} printed.
 */
final class GuestDiskTest {
    private static final long DISK_BYTES = 256L << 20;
    private static final int FILES = 24;
    private static final int FILE_BYTES = 200_000;
    private static final long JUNK_BYTES = 16L << 20;
    private static final int O_DIRECT = 040000;

    private static final String WRITE_AND_READ_BACK = """
            phase() { echo "$@"; read -r _; }
            cd /sys/block/vda
            echo size $(cat size)
            echo serial $(cat serial)
            echo cache $(cat queue/write_cache)
            echo queues $(ls mq | wc -l)
            echo packed $(cut -c35 device/features)
            cd /
            mkfs.ext4 -q -E nodiscard /dev/vda
            mount /dev/vda /mnt
            mkdir /mnt/files
            head -c %2$d /dev/urandom > /mnt/junk
            sync
            phase made
            for i in $(seq %3$d); do head -c %1$d /dev/urandom > /mnt/files/$i; done
            (cd /mnt/files; sha256sum *) > /tmp/sums
            cp /tmp/sums /mnt/sums
            sync
            phase written
            echo 3 > /proc/sys/vm/drop_caches
            (cd /mnt/files; sha256sum -s -c /tmp/sums)
            phase read-back
            rm /mnt/junk
            sync
            fstrim /mnt
            phase discarded
            umount /mnt
            """.formatted(FILE_BYTES, JUNK_BYTES, FILES);

    private static final String FIND_AGAIN = """
            mount /dev/vda /mnt
            cd /mnt/files
            sha256sum -s -c ../sums
            echo found $(ls | wc -l)
            cat 1 > ../copy
            sync
            cd /
            umount /mnt
            """;

    /** Who runs what; an empty prefix is ourselves. */
    private record Users(List<String> daemon, List<String> guest) {
        static final Users OURSELVES = new Users(List.of(), List.of());
    }

    private static GuestImage image;

    private Path folder;
    private Path disk;
    private Path conf;
    private int metricsPort;
    private boolean packed;

    @BeforeAll
    static void buildGuest() {
        assumeFalse(Boolean.getBoolean("vireo.without-guest"), "--without-guest");
        image = GuestImage.built();
    }

    /** Not under /tmp, which may be a tmpfs that knows no O_DIRECT; open to the other users of {@link #asTwoUsers}. */
    @BeforeEach
    void makeDisk() throws IOException {
        folder = Files.createTempDirectory(Path.of("/var/tmp"), "vireo-");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path ofDaemon = Files.createDirectory(folder.resolve("daemon"));
        Files.createDirectory(folder.resolve("guest"));
        disk = ofDaemon.resolve("disk.img");
        try (var file = new java.io.RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        conf = ofDaemon.resolve("vireo.conf");
        metricsPort = Scrape.freePort();
    }

    @AfterEach
    void removeDisk() throws IOException {
        if (folder == null) return;
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(path);
        }
    }

    @Test
    void keepsAFileSystemThroughThePageCache() {
        configure("cache.direct = off", "num-queues = 1", "");
        writeRebootAndJudge(Vireo.HOME, Users.OURSELVES, 1, 1, false);
    }

    @Test
    void keepsAFileSystemPastThePageCacheOnTwoQueuesOfTwoCpus() {
        configure("cache.direct = on", "num-queues = 2", "");
        writeRebootAndJudge(Vireo.HOME, Users.OURSELVES, 2, 2, true);
    }

    @Test
    void keepsAFileSystemOnPackedVirtqueues() {
        configure("cache.direct = on", "num-queues = 1, packed = on", "");
        packed = true;
        writeRebootAndJudge(Vireo.HOME, Users.OURSELVES, 1, 1, true);
    }

    @Test
    void asTwoUsers() throws IOException {
        assumeFalse(Boolean.getBoolean("vireo.without-root"), "--without-root");
        assertEquals(0, Files.getAttribute(Path.of("/proc/self"), "unix:uid"), "two users need root; --without-root leaves this out");
        // Numbers that no account has: neither user owns anything, and they share one group.
        Users users = new Users(
                List.of("setpriv", "--reuid=64101", "--regid=64101", "--groups=64100"),
                List.of("setpriv", "--reuid=64102", "--regid=64102", "--groups=64100"));
        configure("cache.direct = on", "num-queues = 1", ", mode = \"0660\", group = \"64100\"");
        execute("chown", "-R", "64101:64101", folder.resolve("daemon").toString());
        execute("chmod", "600", disk.toString());
        execute("chown", "-R", "64102:64102", folder.resolve("guest").toString());
        // The checkout may lie where only its owner reads.
        Path home = Files.createDirectory(folder.resolve("home"));
        execute("mkdir", "-p", home.resolve("daemon/target").toString());
        execute("cp", "-r", Vireo.HOME.resolve("daemon/target/lib").toString(), home.resolve("daemon/target").toString());
        execute("cp", Vireo.HOME.resolve("vireo").toString(), home.toString());
        execute("cp", image.kernel().toString(), home.toString());
        execute("chmod", "-R", "a+rX", home.toString());

        writeRebootAndJudge(home, users, 1, 1, true);
    }

    private void configure(String cache, String queues, String transport) {
        write(conf, """
                vireo {
                  iothreads.io0 {}
                  drives.root { driver = raw, file { driver = file, filename = "disk.img", %s } }
                  devices.vda {
                    type = virtio-blk, drive = root, iothread = io0, %s, serial = "end-to-end-1"
                    transport { type = vhost-user, path = "vda.sock"%s }
                  }
                  metrics { host = "127.0.0.1", port = %d }
                }
                """.formatted(cache, queues, transport, metricsPort));
    }

    private void writeRebootAndJudge(Path home, Users users, int queues, int cpus, boolean direct) {
        List<String> devices = devices(home);
        try (VireoDaemon daemon = VireoDaemon.serve(home, users.daemon, conf, metricsPort, "vda")) {
            assertEquals(direct, isDiskOpenWithDirect(daemon.pid()), "O_DIRECT on the daemon's descriptor");
            try (Guest guest = boot(home, users, cpus, devices, WRITE_AND_READ_BACK)) {
                assertEquals(Long.toString(DISK_BYTES / 512), guest.await("size"));
                assertEquals("end-to-end-1", guest.await("serial"));
                assertEquals("write back", guest.await("cache"));
                assertEquals(Integer.toString(queues), guest.await("queues"));
                assertEquals(packed ? "1" : "0", guest.await("packed"));
                judgePhases(daemon, guest);
                guest.awaitPowerOff();
            }
            try (Guest guest = boot(home, users, cpus, devices, FIND_AGAIN)) {
                assertEquals(Integer.toString(FILES), guest.await("found"));
                guest.awaitPowerOff();
            }
            assertEquals(0, daemon.terminate(Duration.ofSeconds(10)), () -> daemon.failure("after SIGTERM").getMessage());
        }
        judgeImage();
    }

    /** The daemon's counters around each phase of {@link #WRITE_AND_READ_BACK}. */
    private void judgePhases(VireoDaemon daemon, Guest guest) {
        guest.await("made");
        Scrape made = daemon.scrape();
        long allocatedWithJunk = allocatedBytes();
        guest.tell("go");

        guest.await("written");
        Scrape written = daemon.scrape();
        assertTrue(written.requests("vda", "flush") > made.requests("vda", "flush"), "sync brought no flush");
        assertTrue(written.bytes("vda", "write") - made.bytes("vda", "write") >= (long) FILES * FILE_BYTES,
                "fewer bytes arrived than were written");
        guest.tell("go");

        guest.await("read-back");
        Scrape readBack = daemon.scrape();
        assertTrue(readBack.bytes("vda", "read") - written.bytes("vda", "read") >= (long) FILES * FILE_BYTES,
                "fewer bytes were read than the files have: they came from the guest's cache");
        assertEquals(0, readBack.requests("vda", "discard"));
        guest.tell("go");

        guest.await("discarded");
        assertTrue(daemon.scrape().requests("vda", "discard") > 0, "fstrim brought no discard");
        assertTrue(allocatedBytes() <= allocatedWithJunk + FILES * 2L * FILE_BYTES - JUNK_BYTES,
                "the discarded file's blocks are still allocated: " + allocatedBytes() + " of " + allocatedWithJunk);
        guest.tell("go");
    }

    /** What the host finds in the image once everybody has let go of it. */
    private void judgeImage() {
        execute("e2fsck", "-fn", disk.toString());
        Path dump = folder.resolve("dump");
        execute("mkdir", dump.toString());
        execute("debugfs", "-R", "rdump /files /sums " + dump, disk.toString());
        execute("sh", "-c", "cd \"$1\"/files && sha256sum --strict -c ../sums", "sh", dump.toString());
        try (Stream<Path> files = Files.list(dump.resolve("files"))) {
            assertEquals(FILES, files.count());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** QEMU gets what {@code qemu-args} printed, split as a shell splits {@code $(...)}, and nothing else about the disk. */
    private List<String> devices(Path home) {
        try (Child args = Vireo.start(home, List.of(), List.of("qemu-args", conf.toString(), "vda"))) {
            if (args.awaitExit(Vireo.PATIENCE) != 0) throw args.failure("failed");
            return args.out().stream().flatMap(line -> Stream.of(line.strip().split("\\s+"))).toList();
        }
    }

    private Guest boot(Path home, Users users, int cpus, List<String> devices, String job) {
        Path kernel = home.resolve("vmlinuz");
        GuestImage readable = Files.exists(kernel) ? new GuestImage(kernel, image.initrd()) : image;
        return Guest.boot(readable, folder.resolve("guest"), users.guest, cpus, devices, job);
    }

    private boolean isDiskOpenWithDirect(long pid) {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            List<Path> onDisk = descriptors.filter(this::isDisk).toList();
            assertFalse(onDisk.isEmpty(), "the daemon does not hold the image open");
            return onDisk.stream().anyMatch(fd -> hasFlag(Path.of("/proc/" + pid + "/fdinfo/" + fd.getFileName())));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private boolean isDisk(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).equals(disk);
        } catch (IOException e) {
            return false;                                     // it was closed meanwhile
        }
    }

    private static boolean hasFlag(Path descriptorInfo) {
        try (Stream<String> lines = Files.lines(descriptorInfo)) {
            String flags = lines.filter(line -> line.startsWith("flags:")).findFirst().orElseThrow();
            return (Integer.parseInt(flags.substring("flags:".length()).strip(), 8) & O_DIRECT) != 0;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private long allocatedBytes() {
        return 512 * Long.parseLong(execute("stat", "-c", "%b", disk.toString()).getFirst());
    }

    private static void write(Path path, String text) {
        try {
            Files.writeString(path, text);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static List<String> execute(String... command) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        try (Child child = Child.start(command[0], builder)) {
            if (child.awaitExit(Duration.ofSeconds(60)) != 0) throw child.failure("failed");
            return child.out();
        }
    }
}
