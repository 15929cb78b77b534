package io.vireo.test.guest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.vireo.test.Child;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** {@code ./vireo vm} on a host whose KVM is whole; the images are judged from outside. */
final class VmTest {
    private static final long DISK_BYTES = 64L << 20;
    private static final long LARGER_BYTES = 96L << 20;
    private static final int FILES = 12;
    /** A second start of the JVM in there takes a minute: {@code -Dvireo.soak} has the guest go on in one. */
    private static final boolean RESTORES = Integer.getInteger("vireo.soak", 1) > 1;
    private static final char CTRL_A = 'A' - '@';

    /** The first time it makes a file system and leaves files in it, the second time it finds them. */
    private static final String KEEP_FILES = """
            phase() { echo "$@"; read -r _; }
            if mount -t ext4 /dev/vda /mnt 2>/dev/null; then
                cd /mnt/files
                sha256sum -s -c ../sums
                echo found $(ls | wc -l)
                cat 1 > ../copy
                sync
                cd /
                umount /mnt
                exit 0
            fi
            echo queues $(ls /sys/block/vda/mq | wc -l)
            mkfs.ext4 -q -E nodiscard /dev/vda
            mount -t ext4 /dev/vda /mnt
            mkdir /mnt/files
            head -c 4000000 /dev/urandom > /mnt/junk
            for i in $(seq %1$d); do head -c 200000 /dev/urandom > /mnt/files/$i; done
            (cd /mnt/files; sha256sum *) > /mnt/sums
            sync
            phase written
            echo 3 > /proc/sys/vm/drop_caches
            (cd /mnt/files; sha256sum -s -c ../sums)
            rm /mnt/junk
            sync
            fstrim /mnt
            phase discarded
            until [ $(cat /sys/block/vdb/size) = %2$d ]; do sleep 0.1; done
            echo resized
            dd if=/dev/vda of=/dev/null bs=64k count=128 iflag=direct 2>/dev/null
            echo $(basename $(readlink -f /sys/block/vdb/device/..)) > /sys/bus/platform/drivers/virtio-mmio/unbind
            phase released
            umount /mnt
            echo rebooting
            reboot -f
            """.formatted(FILES, LARGER_BYTES / 512);

    private static NestedHost host;
    private static Path folder;

    @BeforeAll
    static void bootHost() throws IOException {
        assumeFalse(Boolean.getBoolean("vireo.without-guest"), "--without-guest");
        folder = Files.createTempDirectory(Path.of("/var/tmp"), "vireo-");
        host = NestedHost.boot(GuestImage.built(), folder, 2, List.of(disk("vdc")), Map.of("keep-files", KEEP_FILES));
    }

    @AfterAll
    static void shutDown() throws IOException {
        if (host != null) host.close();
        if (folder == null) return;
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted((a, b) -> b.compareTo(a)).toList()) Files.delete(path);
        }
    }

    private static Path disk(String name) throws IOException {
        Path disk = folder.resolve(name);
        try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(DISK_BYTES);
        }
        return disk;
    }

    @Test
    void aTinyGuestReachesItsDiskHoweverItBehavedBefore() {
        host.start("$JAVA_HOME/bin/java --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow $VIREO_JAVA_OPTS "
                + "-XX:+UseSerialGC -XX:+UseCompactObjectHeaders "
                + "-cp examples/vmm/target/vireo-vm.jar:$(echo daemon/target/lib/*.jar | tr ' ' :):tests.jar "
                + "com.example.vmm.TinyGuestRun GOOD QUEUE_OUTSIDE_MEMORY RING_OVERRUN SCRIBBLE CRASH");
        host.await("verified 64 blocks");
        host.await("GOOD POWER_OFF");
        assertEquals("0", host.await("kicks-by-exit"));
        for (String manners : List.of("QUEUE_OUTSIDE_MEMORY", "RING_OVERRUN")) {
            host.await("needs reset");
            host.await("verified 64 blocks");
            host.await(manners + " POWER_OFF");
        }
        host.await("scribbled");
        host.await("verified 64 blocks");
        host.await("SCRIBBLE POWER_OFF");
        host.await("crashing");
        assertTrue(host.await("vm:").contains("triple fault"));
        host.await("CRASH BROKEN");
        assertEquals(0, host.awaitExit());
    }

    @Test
    void linuxKeepsItsFilesThroughSnapshotResizeUnplugAndReset() {
        host.start("head -c " + DISK_BYTES + " /dev/zero > /tmp/vdb.img");
        assertEquals(0, host.awaitExit());
        host.start("stty -g < /dev/ttyS1 > /tmp/terminal-before");
        assertEquals(0, host.awaitExit());
        String machine = "--cpus 2 --memory 256M --disk /dev/vdc --disk /tmp/vdb.img";
        host.vm("keep-files", machine);
        host.await("guest-up");
        assertEquals("2", host.await("queues"));
        host.await("written");
        command("pause");
        command("resume");
        command("snapshot /tmp/snapshot");
        if (RESTORES) {
            command("quit");
            assertEquals(0, host.awaitExit());
            // Another process, the same images: the guest is where it was, and does not know.
            host.vm("keep-files", machine + " --restore /tmp/snapshot");
        } else {
            command("resume");
        }
        host.tell("go");
        host.await("discarded");
        host.tell("go");
        command("resize vdb " + LARGER_BYTES);
        host.await("resized");
        host.await("released");
        host.tell(CTRL_A + "info");
        assertEquals("0", host.await("vm: kicks_by_exit{device=\"vda\"}"));
        host.said("vm: vireo_").forEach(System.out::println);
        assertTrue(sum("vireo_queue_kicks_total{device=\"vda\"") > 0);
        command("unplug vdb");
        host.tell("go");
        host.await("rebooting");
        host.await("guest-up");
        assertEquals(Integer.toString(FILES), host.await("found"));
        assertEquals("0", host.await("guest-exit"));
        assertEquals(0, host.awaitExit());
        host.start("stty -g < /dev/ttyS1 | cmp - /tmp/terminal-before");
        assertEquals(0, host.awaitExit());
        judgeImage(folder.resolve("vdc"));
    }

    private static double sum(String series) {
        return host.said("vm: " + series).stream().mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ')))).sum();
    }

    private static void command(String line) {
        host.tell(CTRL_A + line);
        host.await("vm: " + line + ": done");
    }

    private static void judgeImage(Path disk) {
        ProcessBuilder fsck = new ProcessBuilder("e2fsck", "-fn", disk.toString());
        fsck.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        try (Child child = Child.start("e2fsck", fsck)) {
            assertEquals(0, child.awaitExit(Duration.ofSeconds(60)), () -> child.failure("failed").getMessage());
        }
    }
}
