package io.vireo.test.guest;

import io.vireo.test.Child;
import io.vireo.test.Vireo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A machine whose /dev/kvm is whole, wherever this runs: a Linux under QEMU's software emulation of a processor with SVM.
 * In it are a JDK, the launcher and what was built, in /vireo.
 */
final class NestedHost {
    private static final Duration BUILD = Duration.ofMinutes(2);
    private static final int CPUS = 2;

    /**
     * Under software emulation a JVM spends its time on finding classes, verifying and generating them, moving its archive
     * and compiling; so it does none of it: classes are found beforehand, outside, and believed, libraries are called by
     * reflection, the archive is mapped where it wants to be, and code interpreted. It starts in half the time.
     */
    private static final String JVM_OPTIONS =
            "-Xint -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote -XX:AOTCache=/vireo/vm.aot "
                    + "-XX:ArchiveRelocationMode=0 -Djdk.internal.foreign.DowncallLinker.USE_SPEC=false "
                    + "-Djnr.ffi.asm.enabled=false";

    private static final String JOB = """
            mkdir /opt /vireo
            mount -o ro /dev/vda /opt
            mount -o ro /dev/vdb /vireo
            cp -r /opt/root/. /
            export JAVA_HOME=/opt/jdk VIREO_BUILD=no VIREO_JAVA_OPTS='%s'
            export GUEST=/opt/guest JOBS=/vireo/jobs TESTS=tests.jar WORK=/tmp
            for module in irqbypass kvm kvm-amd; do insmod /opt/guest/kvm/$module.ko; done
            cd /vireo
            """.formatted(JVM_OPTIONS) + VmHost.LOOP;

    private NestedHost() {}

    /**
     * Boots it.
     *
     * @param folder for its files
     * @param disks raw images, which are disks of it
     * @param jobs of guests in it, by name
     */
    static VmHost boot(Path folder, GuestImage image, List<Path> disks, Map<String, String> jobs) throws IOException {
        List<String> devices = new ArrayList<>(List.of("-m", "1536M"));
        Path tools = tools(image);
        devices.addAll(drive(tools.resolve("host.img"), ",readonly=on"));
        devices.addAll(drive(built(folder, image, tools, jobs), ",readonly=on"));
        for (Path disk : disks) devices.addAll(drive(disk, ""));
        return new VmHost(Guest.boot(image, folder, List.of(), CPUS, devices, JOB), "/tmp",
                IntStream.range(0, disks.size()).mapToObj(
                        i -> "{ driver = host_device, filename = \"/dev/vd" + (char) ('c' + i) + "\" }").toList());
    }

    private static List<String> drive(Path file, String more) {
        return List.of("-drive", "file=" + file + ",format=raw,if=virtio" + more);
    }

    private static Path tools(GuestImage image) {
        Path script = Vireo.HOME.resolve("src-test/src/test/guest/build-jdk");
        return Path.of(run(script.toString(), System.getProperty("vireo.guest.images"), System.getProperty("java.home"),
                image.kernel().getParent().toString()).getLast());
    }

    /** What is tested, as it lies in the checkout; it is new each time. */
    private static Path built(Path folder, GuestImage image, Path tools, Map<String, String> jobs) throws IOException {
        Path home = Files.createDirectories(folder.resolve("home"));
        for (String path : List.of("vireo", "daemon/target/lib", "examples/vmm/target/vireo-vm.jar")) {
            Path to = home.resolve(path);
            Files.createDirectories(to.getParent());
            // The cache of classes below knows its jars by size and time.
            run("cp", "-a", Vireo.HOME.resolve(path).toString(), to.toString());
        }
        run(System.getProperty("java.home") + "/bin/jar", "cf", home.resolve("tests.jar").toString(),
                "-C", Vireo.HOME.resolve("src-test/target/test-classes").toString(), "com");
        train(home, image, tools);
        VmHost.archives(home, jobs);
        Path built = folder.resolve("built.img");
        run("mke2fs", "-q", "-t", "ext4", "-d", home.toString(), built.toString(), "256M");
        return built;
    }

    /** Lets the JVM of the host, here, find the classes that it will need there. */
    private static void train(Path home, GuestImage image, Path tools) throws IOException {
        Path disk = Files.write(home.resolveSibling("train.img"), new byte[1 << 20]);
        ProcessBuilder builder = new ProcessBuilder(home.resolve("vireo").toString(), "vm", "--check",
                "--kernel", image.kernel().toString(), "--initrd", image.initrd().toString(), "--disk", disk.toString());
        builder.environment().putAll(Map.of("JAVA_HOME", tools.resolve("jdk").toString(), "VIREO_BUILD", "no",
                "VIREO_JAVA_OPTS", "-XX:AOTCacheOutput=" + home.resolve("vm.aot")));
        try (Child child = Child.start("training", builder)) {
            if (child.awaitExit(BUILD) != 0) throw child.failure("failed");
        }
    }

    private static List<String> run(String... command) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().merge("PATH", "/usr/sbin:/sbin", (path, more) -> path + ":" + more);
        try (Child child = Child.start(command[0], builder)) {
            if (child.awaitExit(BUILD) != 0) throw child.failure("failed");
            return child.out();
        }
    }
}
