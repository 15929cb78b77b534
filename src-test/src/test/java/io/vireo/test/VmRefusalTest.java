package io.vireo.test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code ./vireo vm} before there is a machine: what it refuses, and what it says then. */
final class VmRefusalTest {
    private static final int HEADER = 0x1F1;

    @TempDir
    Path folder;

    private Path kernel;

    /** Enough of one to be taken for Linux 6: it is never run. */
    @BeforeEach
    void makeKernel() throws IOException {
        byte[] image = new byte[8192];
        image[HEADER] = 3;                       // setup sectors
        image[0x202] = 'H';
        image[0x203] = 'd';
        image[0x204] = 'r';
        image[0x205] = 'S';
        image[0x206] = 0xF;                      // boot protocol 2.15
        image[0x207] = 2;
        image[0x236] = 1;                        // 64 bits
        image[0x239] = 8;                        // a command line of 2 KiB
        image[0x22F] = 0x7F;                     // an initrd below 2 GiB
        kernel = Files.write(folder.resolve("vmlinuz"), image);
    }

    @Test
    void saysThatThereIsNoKvmAndWhatHelps() {
        Vireo.Result result = Vireo.run("vm", "--kernel", kernel.toString(), "--kvm", folder.resolve("kvm").toString());
        assertEquals(2, result.exit(), result::stderr);
        assertTrue(result.stderr().contains("there is no " + folder.resolve("kvm") + ". Load its module (modprobe kvm_amd"), result::stderr);
    }

    @Test
    void saysThatADeviceIsNotKvm() {
        Vireo.Result result = Vireo.run("vm", "--kernel", kernel.toString(), "--kvm", "/dev/null");
        assertEquals(2, result.exit(), result::stderr);
        assertTrue(result.stderr().contains("/dev/null is not KVM's"), result::stderr);
    }

    @Test
    void refusesWhatIsNoKernel() {
        Vireo.Result result = Vireo.run("vm", "--kernel", Vireo.HOME.resolve("vireo").toString());
        assertEquals(2, result.exit(), result::stderr);
        assertTrue(result.stderr().contains("is no Linux kernel"), result::stderr);
    }

    @Test
    void saysWhatIsWrongWithAConfigurationAndWhere() throws IOException {
        Path conf = Files.writeString(folder.resolve("vm.conf"), "vireo {\n  drives.d { driver = ram, sise = 1M }\n}\n");
        Vireo.Result result = Vireo.run("vm", "--check", "--kernel", kernel.toString(), "--config", conf.toString());
        assertEquals(2, result.exit(), result::stderr);
        assertTrue(result.stderr().contains("vm: " + conf + ":2: "), result::stderr);
        assertFalse(result.stderr().contains("\tat "), result::stderr);
    }

    @Test
    void saysWhichDiskIsMissingAndWhichIsInUse() throws IOException {
        Path missing = folder.resolve("missing.img");
        Vireo.Result none = Vireo.run("vm", "--check", "--kernel", kernel.toString(), "--disk", missing.toString());
        assertEquals(2, none.exit(), none::stderr);
        assertTrue(none.stderr().contains(missing.toString()), none::stderr);
        assertFalse(none.stderr().contains("\tat "), none::stderr);
        Path disk = Files.write(folder.resolve("disk.img"), new byte[2 << 20]);
        Vireo.Result twice = Vireo.run("vm", "--check", "--kernel", kernel.toString(), "--disk", disk.toString(), "--disk", disk.toString());
        assertEquals(3, twice.exit(), twice::stderr);
    }

    @Test
    void aDiskOfAConfigurationComesBeforeThoseOfTheCommandLine() throws IOException {
        Path conf = Files.writeString(folder.resolve("vm.conf"), """
                vireo {
                  iothreads { io0 {}, io1 {} }
                  drives.d { driver = ram, size = 1M }
                  devices.root { drive = d, num-queues = 4, iothread-vq-mapping = [{ iothread = io0 }, { iothread = io1 }] }
                }
                """);
        Path disk = Files.write(folder.resolve("disk.img"), new byte[2 << 20]);
        Vireo.Result result = Vireo.run("vm", "--check", "--kernel", kernel.toString(), "--config", conf.toString(), "--disk", disk.toString());
        assertEquals(0, result.exit(), result::stderr);
        assertEquals(List.of("root: 1 MiB, 4 queues", "vdb: 2 MiB, 1 queues"), result.out().subList(1, 3));
    }

    @Test
    void checksWithoutKvm() throws IOException {
        Path disk = Files.write(folder.resolve("disk.img"), new byte[2 << 20]);
        Vireo.Result result = Vireo.run("vm", "--check", "--kernel", kernel.toString(), "--disk", disk.toString(), "--cpus", "2");
        assertEquals(0, result.exit(), result::stderr);
        assertEquals("vda: 2 MiB, 2 queues", result.out().getLast());
    }

    @Test
    void helpsWithEveryOption() {
        Vireo.Result result = Vireo.run("help", "vm");
        assertEquals(0, result.exit(), result::stderr);
        for (String option : new String[] {"--kernel", "--initrd", "--cmdline", "--disk", "--config", "--cpus", "--memory", "--no-reboot", "--restore", "--kvm",
            "--check", "Ctrl-A", "SIGTERM", "Exit status"}) {
            assertTrue(result.stdout().contains(option), option);
        }
    }
}
