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
            echo ram $(awk '/MemTotal/ { print $2 }' /proc/meminfo)
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

    /** A queue for each processor, each on an IOThread of its own. */
    private static final String CONFIG = "vireo { iothreads { io0 {}, io1 {} }, drives.root = %s, "
            + "devices.vda { drive = root, iothread-vq-mapping = [{ iothread = io0 }, { iothread = io1 }] } }";

    private static VmHosts hosts;
    private static Path folder;

    @BeforeAll
    static void findHosts() throws IOException {
        assumeFalse(Boolean.getBoolean("vireo.without-guest"), "--without-guest");
        folder = Files.createTempDirectory(Path.of("/var/tmp"), "vireo-");
        hosts = new VmHosts(folder, GuestImage.built(), List.of(disk("vda")), Map.of("keep-files", KEEP_FILES));
    }

    @AfterAll
    static void shutDown() throws IOException {
        if (hosts != null) hosts.close();
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
    void aTinyGuestReachesItsDiskHoweverItBehavedBefore() throws IOException {
        VmHost host = hosts.forTinyGuests();
        host.startTinyGuests("GOOD", "QUEUE_OUTSIDE_MEMORY", "RING_OVERRUN", "SCRIBBLE", "CRASH");
        host.await("verified 64 blocks");
        host.await("GOOD POWER_OFF");
        assertNoKickByExit(host.await("vda:"));
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
    void linuxKeepsItsFilesThroughSnapshotResizeUnplugAndReset() throws IOException {
        VmHost host = hosts.forLinux();
        host.run("stty -g > $WORK/terminal-before");
        host.run("echo '" + CONFIG.formatted(host.drive(0)) + "' > $WORK/vm.conf");
        String machine = "--cpus 2 --memory 4G --config $WORK/vm.conf --disk $WORK/vdb.img";
        host.run("head -c " + DISK_BYTES + " /dev/zero > $WORK/vdb.img");
        host.startVm("keep-files", machine);
        host.await("guest-up");
        assertEquals("2", host.await("queues"));
        long ramKib = Long.parseLong(host.await("ram"));
        assertTrue(ramKib > 3 << 20, () -> ramKib + " KiB: the part above 4 GiB is missing");
        host.await("written");
        command(host, "pause");
        command(host, "resume");
        command(host, "snapshot " + host.work() + "/snapshot");
        command(host, "quit");
        assertEquals(0, host.awaitExit());
        // Another process, the same images: the guest is where it was, and does not know.
        host.startVm("keep-files", machine + " --restore $WORK/snapshot");
        host.tell("go");
        host.await("discarded");
        host.tell("go");
        command(host, "resize vdb " + LARGER_BYTES);
        host.await("resized");
        host.await("released");
        host.tell(CTRL_A + "info");
        String figures = host.await("vm: vda:");
        System.out.println(figures);
        assertNoKickByExit(figures);
        command(host, "unplug vdb");
        host.tell("go");
        host.await("rebooting");
        host.await("guest-up");
        assertEquals(Integer.toString(FILES), host.await("found"));
        assertEquals("0", host.await("guest-exit"));
        assertEquals(0, host.awaitExit());
        host.run("stty -g | cmp - $WORK/terminal-before");
        judgeImage(folder.resolve("vda"));
    }

    /** Of what {@code info} says of a disk. */
    private static void assertNoKickByExit(String figures) {
        assertTrue(figures.matches("[1-9]\\d* requests, [1-9]\\d* kicks, 0 of them by exit, [1-9]\\d* calls"), figures);
    }

    private static void command(VmHost host, String line) {
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
