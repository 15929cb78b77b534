package io.vireo.test.guest;

import io.vireo.test.Child;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A Linux guest that runs one job and powers off. The job is a shell script; what it prints arrives here line by line,
 * and {@code read} in it waits for {@link #tell}. Closing pulls the plug.
 */
final class Guest implements Shell {
    /** A boot takes 3 s alone on two cores, a job seconds; a neighbour's compiler takes its share. */
    static final Duration PATIENCE = Duration.ofSeconds(120);

    private static final String KERNEL_OPTIONS =
            "console=ttyS0 quiet mitigations=off nokaslr init_on_alloc=0 random.trust_cpu=on panic=-1";
    private static final int CPIO_ALIGNMENT_BYTES = 4;

    private final Child qemu;
    private final Dialogue dialogue;
    private final Path kernelLog;

    private Guest(Child qemu, Path kernelLog) {
        this.qemu = qemu;
        this.kernelLog = kernelLog;
        dialogue = new Dialogue(qemu, PATIENCE);
    }

    /**
     * Boots it and waits until its job begins.
     *
     * @param folder for its files; QEMU's user writes the kernel's log there
     * @param prefix a command that runs its arguments, such as one that changes the user; may be empty
     * @param devices QEMU's arguments for memory and disk
     */
    static Guest boot(GuestImage image, Path folder, List<String> prefix, int cpus, List<String> devices, String job) {
        Guest guest = start(image, folder, prefix, cpus, devices, job);
        try {
            guest.await("guest-up");
        } catch (AssertionError e) {
            guest.close();
            throw e;
        }
        return guest;
    }

    /** The machine that a guest, booted with the same devices and job, is to move into from {@code uri}. */
    static Guest awaitIncoming(GuestImage image, Path folder, int cpus, List<String> devices, String job, String uri) {
        List<String> more = new ArrayList<>(devices);
        more.addAll(List.of("-incoming", uri));
        return start(image, folder, List.of(), cpus, more, job);
    }

    private static Guest start(
            GuestImage image, Path folder, List<String> prefix, int cpus, List<String> devices, String job) {
        Path kernelLog = folder.resolve("kernel.log");
        Path initrd = folder.resolve("initrd");
        try (OutputStream out = Files.newOutputStream(initrd)) {
            Files.copy(image.initrd(), out);
            out.write(archive("job", job));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> command = new ArrayList<>(prefix);
        command.addAll(List.of(
                "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-machine", "pc", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", Integer.toString(cpus),
                "-kernel", image.kernel().toString(), "-initrd", initrd.toString(), "-append", KERNEL_OPTIONS,
                "-serial", "file:" + kernelLog, "-serial", "stdio"));
        command.addAll(devices);
        return new Guest(Child.start("guest", new ProcessBuilder(command)), kernelLog);
    }

    @Override
    public String await(String word) {
        try {
            return dialogue.await(word);
        } catch (AssertionError e) {
            throw failure(e);
        }
    }

    /** A line for the job's {@code read}. */
    @Override
    public void tell(String line) {
        dialogue.tell(line);
    }

    /** Waits until the job has ended well and the machine is off. */
    void awaitPowerOff() {
        String status = await("guest-exit");
        if (!status.equals("0")) throw failure(new AssertionError("the job ended with status " + status));
        int exit = qemu.awaitExit(PATIENCE);
        if (exit != 0) throw failure(new AssertionError("QEMU ended with status " + exit));
    }

    @Override
    public void close() {
        qemu.close();
    }

    private AssertionError failure(AssertionError cause) {
        String log;
        try {
            log = Files.readString(kernelLog, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            log = "(no kernel log: " + e.getMessage() + ")";
        }
        AssertionError whole = qemu.failure(cause.getMessage().lines().findFirst().orElse("failed"));
        return new AssertionError(whole.getMessage() + "\n--- kernel\n" + log, cause);
    }

    /** A cpio archive ("newc") of one file. The kernel unpacks every archive of an initrd, one after the other. */
    static byte[] archive(String name, String content) {
        return (entry(name, 0100644, content) + entry("TRAILER!!!", 0, "")).getBytes(StandardCharsets.US_ASCII);
    }

    /** 6 digits of magic, 13 fields of 8 hexadecimal digits, the name and a zero; name and content padded to 4. */
    private static String entry(String name, int mode, String content) {
        String header = "070701" + String.format("%08x".repeat(13),
                1, mode, 0, 0, 1, 0, content.length(), 0, 0, 0, 0, name.length() + 1, 0);
        return padded(header + name + "\0") + padded(content);
    }

    private static String padded(String text) {
        return text + "\0".repeat(-text.length() & (CPIO_ALIGNMENT_BYTES - 1));
    }
}
