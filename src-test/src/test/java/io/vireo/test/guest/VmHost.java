package io.vireo.test.guest;

import io.vireo.test.Child;
import io.vireo.test.Vireo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A machine whose /dev/kvm runs what a test wants to run, and a shell on it in a terminal: this one, or a
 * {@link NestedHost}. It runs one command after the other, in the folder of the launcher, with these variables: GUEST and
 * JOBS (folders of the test guest and of jobs for it), TESTS (class path of these tests) and WORK (an empty folder).
 */
final class VmHost implements AutoCloseable {
    /** What the shell does once it has the variables. */
    static final String LOOP = """
            echo host-up
            while read -r command; do
                status=0
                eval "$command" || status=$?
                echo "command-exit $status"
            done
            """;

    private final Shell shell;
    private final String work;
    private final List<String> drives;

    /**
     * @param work the empty folder
     * @param drives the images that were asked for, as HOCON describes them there
     */
    VmHost(Shell shell, String work, List<String> drives) {
        this.shell = shell;
        this.work = work;
        this.drives = List.copyOf(drives);
        try {
            shell.await("host-up");
        } catch (AssertionError e) {
            shell.close();
            throw e;
        }
    }

    /**
     * This machine.
     *
     * @param folder for what is made there
     * @param jobs of guests, by name: {@link #startVm} boots one with a job
     */
    static VmHost local(Path folder, GuestImage image, List<Path> disks, Map<String, String> jobs, Duration patience)
            throws IOException {
        Path work = Files.createDirectories(folder.resolve("work"));
        Path script = Files.writeString(folder.resolve("shell"), """
                export JAVA_HOME='%s' VIREO_BUILD=no GUEST='%s' JOBS='%s' TESTS=src-test/target/test-classes WORK='%s'
                cd '%s'
                stty raw -echo
                """.formatted(System.getProperty("java.home"), image.kernel().getParent(), archives(folder, jobs), work, Vireo.HOME)
                + LOOP);
        ProcessBuilder inTerminal = new ProcessBuilder("script", "-qefc", "exec sh '" + script + "'", "/dev/null");
        return new VmHost(new Dialogue(Child.start("local host", inTerminal), patience), work.toString(),
                disks.stream().map(disk -> "{ driver = file, filename = \"" + disk + "\" }").toList());
    }

    /** A folder with each job, as an archive that fits behind the test guest's. */
    static Path archives(Path folder, Map<String, String> jobs) throws IOException {
        Path archives = Files.createDirectories(folder.resolve("jobs"));
        for (var job : jobs.entrySet()) Files.write(archives.resolve(job.getKey()), Guest.archive("job", job.getValue()));
        return archives;
    }

    /** What WORK says there. */
    String work() {
        return work;
    }

    String drive(int index) {
        return drives.get(index);
    }

    /** Starts a command there; {@link #awaitExit} tells how it ended. */
    void start(String command) {
        shell.tell(command);
    }

    /** Runs a command there that has to go well. */
    void run(String command) {
        start(command);
        int status = awaitExit();
        if (status != 0) throw new AssertionError(command + ": exit status " + status);
    }

    /** Starts tiny guests, which behave so, one after the other in one JVM. */
    void startTinyGuests(String... manners) {
        start("$JAVA_HOME/bin/java --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow $VIREO_JAVA_OPTS "
                + "-XX:+UseSerialGC -XX:+UseCompactObjectHeaders "
                + "-cp examples/vmm/target/vireo-vm.jar:$(echo daemon/target/lib/*.jar | tr ' ' :):$TESTS "
                + "com.example.vmm.TinyGuestRun " + String.join(" ", manners));
    }

    /** Starts {@code ./vireo vm} with the test guest and a job. */
    void startVm(String job, String arguments) {
        start("cat $GUEST/initrd $JOBS/" + job + " > $WORK/initrd && ./vireo vm --kernel $GUEST/vmlinuz "
                + "--initrd $WORK/initrd --cmdline 'console=ttyS0 jobtty=ttyS0 quiet mitigations=off nokaslr init_on_alloc=0 "
                + "random.trust_cpu=on no_timer_check panic=-1' " + arguments);
    }

    String await(String word) {
        return shell.await(word);
    }

    void tell(String line) {
        shell.tell(line);
    }

    int awaitExit() {
        return Integer.parseInt(shell.await("command-exit"));
    }

    @Override
    public void close() {
        shell.close();
    }
}
