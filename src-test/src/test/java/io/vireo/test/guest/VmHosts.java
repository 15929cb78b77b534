package io.vireo.test.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Who runs the guests of a test: this machine, if its KVM has just run one of the kind, else a nested host, which is the
 * same one for all. Which one it is, and why, is said in a line that {@code ./test} repeats at its end.
 */
final class VmHosts implements AutoCloseable {
    /** It takes seconds where it works. */
    private static final Duration PROBE = Duration.ofSeconds(60);

    private static final String PROBE_JOB = "probe";
    private static final Path KVM = Path.of("/dev/kvm");

    private final Path folder;
    private final GuestImage image;
    private final List<Path> disks;
    private final Map<String, String> jobs;
    private VmHost local;
    private VmHost nested;

    /**
     * @param folder for what they need
     * @param disks raw images, which are disks of each
     * @param jobs of Linux guests, by name
     */
    VmHosts(Path folder, GuestImage image, List<Path> disks, Map<String, String> jobs) {
        this.folder = folder;
        this.image = image;
        this.disks = disks;
        this.jobs = jobs;
    }

    VmHost forTinyGuests() throws IOException {
        return hostFor("a tiny guest", host -> host.startTinyGuests("GOOD"));
    }

    VmHost forLinux() throws IOException {
        return hostFor("Linux", host -> host.startVm(PROBE_JOB, ""));
    }

    private interface Probe {
        void startOn(VmHost host);
    }

    private VmHost hostFor(String kind, Probe probe) throws IOException {
        String hindrance = hindrance(probe);
        if (hindrance.isEmpty()) {
            System.out.println("NOTE: ./vireo vm is tested with " + kind + " on this machine's own KVM");
            if (local == null) local = VmHost.local(folder, image, disks, jobs, Guest.PATIENCE);
            return local;
        }
        System.out.println("NOTE: ./vireo vm is tested with " + kind + " IN A NESTED HOST UNDER SOFTWARE EMULATION, since " + hindrance);
        if (nested == null) nested = NestedHost.boot(folder, image, disks, jobs);
        return nested;
    }

    /** Why a guest of this kind does not run here; empty when it does. */
    private String hindrance(Probe probe) throws IOException {
        if (!Files.exists(KVM)) return "there is no " + KVM;
        if (!Files.isReadable(KVM) || !Files.isWritable(KVM)) return "we may not open " + KVM;
        Path probing = Files.createTempDirectory(folder, "probe");
        try (VmHost host = VmHost.local(probing, image, List.of(), Map.of(PROBE_JOB, "exit 0"), PROBE)) {
            probe.startOn(host);
            int status = host.awaitExit();
            return status == 0 ? "" : KVM + " here does not run it (exit status " + status + ")";
        } catch (AssertionError e) {
            return KVM + " here does not run it: " + e.getMessage();
        }
    }

    @Override
    public void close() {
        if (local != null) local.close();
        if (nested != null) nested.close();
    }
}
