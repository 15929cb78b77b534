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

/**
 * A machine whose /dev/kvm is whole, wherever this runs: a Linux under QEMU's software emulation of a processor with SVM.
 * In it are a JDK, the launcher and what was built, in /vireo, and it runs one command after the other.
 */
final class NestedHost implements AutoCloseable {
    private static final Duration BUILD = Duration.ofMinutes(2);

    /**
     * Under software emulation a JVM spends its time on finding classes, moving its archive and compiling; so it does
     * none of it: classes are found beforehand, outside, the archive is mapped where it wants to be, and code interpreted.
     */
    private static final String JVM_OPTIONS =
            "-Xint -Djdk.internal.foreign.DowncallLinker.USE_SPEC=false "
                    + "-XX:AOTCache=/vireo/vm.aot -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0";

    private static final String JOB = """
            mkdir /opt /vireo
            mount -o ro /dev/vda /opt
            mount -o ro /dev/vdb /vireo
            cp -r /opt/root/. /
            export JAVA_HOME=/opt/jdk VIREO_BUILD=no VIREO_JAVA_OPTS='%s'
            for module in irqbypass kvm kvm-amd; do insmod /opt/guest/kvm/$module.ko; done
            cd /vireo
            echo host-up
            while read -r command; do
                status=0
                eval "$command" || status=$?
                echo "command-exit $status"
            done
            """.formatted(JVM_OPTIONS);

    private final Guest guest;

    private NestedHost(Guest guest) {
        this.guest = guest;
    }

    /**
     * Boots it.
     *
     * @param folder for its files
     * @param disks raw images, /dev/vdc and so on there
     * @param jobs of guests in it, by name: {@link #vm} boots one with a job
     */
    static NestedHost boot(GuestImage image, Path folder, int cpus, List<Path> disks, Map<String, String> jobs)
            throws IOException {
        List<String> devices = new ArrayList<>(List.of("-m", "1536M"));
        Path tools = tools(image);
        devices.addAll(drive(tools.resolve("host.img"), ",readonly=on"));
        devices.addAll(drive(built(folder, image, tools, jobs), ",readonly=on"));
        for (Path disk : disks) devices.addAll(drive(disk, ""));
        NestedHost host = new NestedHost(Guest.boot(image, folder, List.of(), cpus, devices, JOB));
        try {
            host.await("host-up");
            return host;
        } catch (AssertionError e) {
            host.close();
            throw e;
        }
    }

    /** Starts a command there; {@link #awaitExit} tells how it ended. */
    void start(String command) {
        guest.tell(command);
    }

    /** Starts {@code ./vireo vm} with the test guest and a job. */
    void vm(String job, String arguments) {
        start("cat /opt/guest/initrd /vireo/jobs/" + job + " > /tmp/initrd && ./vireo vm --kernel /opt/guest/vmlinuz "
                + "--initrd /tmp/initrd --cmdline 'console=ttyS0 jobtty=ttyS0 quiet mitigations=off nokaslr init_on_alloc=0 "
                + "random.trust_cpu=on no_timer_check panic=-1' " + arguments);
    }

    String await(String word) {
        return guest.await(word);
    }

    List<String> said(String prefix) {
        return guest.said(prefix);
    }

    void tell(String line) {
        guest.tell(line);
    }

    int awaitExit() {
        return Integer.parseInt(guest.await("command-exit"));
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
        Path archives = Files.createDirectory(home.resolve("jobs"));
        for (var job : jobs.entrySet()) Files.write(archives.resolve(job.getKey()), Guest.archive("job", job.getValue()));
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

    @Override
    public void close() {
        guest.close();
    }
}
