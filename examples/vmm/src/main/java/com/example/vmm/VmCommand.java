package com.example.vmm;

import io.vireo.embed.VirtioBlkDevice;
import io.vireo.embed.Vireo;
import io.vireo.embed.VireoException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./vireo vm}. */
@Command(
        name = "vireo vm",
        sortOptions = false,
        usageHelpWidth = 110,
        description = {
            "Boots Linux on KVM, in this process, with disks served by the data plane in this process.",
            "The serial port (ttyS0) is this terminal. Ctrl-A and a line are for the machine, not for the guest:",
            "Ctrl-A help tells which. Ends when the guest switches itself off."
        },
        footer = {
            "",
            "Disks appear as /dev/vda and so on, in this order. The guest needs the modules virtio_mmio and virtio_blk,",
            "and CONFIG_ACPI, as the kernels of all distributions have them.",
            "",
            "Exit status: 0 the guest has switched itself off, or was quit, which SIGTERM does as well; 1 it could not go",
            "on; 2 usage or configuration, or no KVM that can be used; 3 a disk is in use.",
            "",
            "  ./vireo vm --kernel /boot/vmlinuz --initrd /boot/initrd.img --disk vm.img --cpus 2 --memory 1G \\",
            "    --cmdline 'console=ttyS0 root=/dev/vda1'"
        })
public final class VmCommand implements Callable<Integer> {
    private static final int DONE = 0;
    private static final int FAILED = 1;
    private static final int USAGE = 2;
    private static final int IN_USE = 3;
    private static final long MEMORY_MIN = 32L << 20;

    @Option(names = "--kernel", required = true, paramLabel = "FILE", description = "Linux (bzImage, 64 bits)")
    private Path kernel;

    @Option(names = "--initrd", paramLabel = "FILE", description = "its initial RAM disk")
    private Path initrd;

    @Option(names = "--cmdline", paramLabel = "TEXT", defaultValue = "console=ttyS0",
            description = "the kernel's command line (default: ${DEFAULT-VALUE})")
    private String commandLine;

    @Option(names = "--disk", paramLabel = "FILE",
            description = "a raw image, or a block device, as a disk; may be given up to " + Board.DISKS_MAX + " times")
    private List<Path> images = List.of();

    @Option(names = "--config", paramLabel = "FILE.conf",
            description = "HOCON as of ./vireo serve: its devices are disks too, before those of --disk, and its IOThreads "
                    + "serve them. Devices without num-queues have as many as there are processors")
    private Path config;

    @Option(names = "--cpus", paramLabel = "N", defaultValue = "1", description = "processors (default: ${DEFAULT-VALUE})")
    private int cpus;

    @Option(names = "--memory", paramLabel = "SIZE", defaultValue = "512M", converter = Sizes.class,
            description = "memory, as in 512M or 2G (default: ${DEFAULT-VALUE})")
    private long memoryBytes;

    @Option(names = "--no-reboot", description = "ends also when the guest resets the machine")
    private boolean noReboot;

    @Option(names = "--restore", paramLabel = "FOLDER",
            description = "goes on where 'snapshot FOLDER' was said, with the images and options of then; kernel, initrd and "
                    + "command line are those of the next reset")
    private Path restore;

    @Option(names = "--kvm", paramLabel = "DEVICE", defaultValue = "/dev/kvm",
            description = "KVM's device (default: ${DEFAULT-VALUE})")
    private String device;

    @Option(names = "--check", description = "opens everything but KVM, says what would run, and ends")
    private boolean check;

    @Option(names = {"-h", "--help"}, usageHelp = true, description = "this text")
    private boolean help;

    @Option(names = {"-V", "--version"}, versionHelp = true, description = "of the data plane")
    private boolean version;

    /** Past System.out, which would decode and encode what is bytes. */
    private final OutputStream console = new FileOutputStream(FileDescriptor.out);

    private final CompletableFuture<Integer> status = new CompletableFuture<>();

    private VmCommand() {}

    public static void main(String[] arguments) {
        VmCommand vm = new VmCommand();
        CommandLine command = new CommandLine(vm);
        command.getCommandSpec().version("vireo " + Vireo.version());
        vm.status.complete(command
                .setExecutionExceptionHandler((e, _, _) -> report(e))
                .execute(arguments));
        System.exit(vm.status.join());
    }

    @Override
    public Integer call() throws Exception {
        if (cpus < 1 || cpus > Board.CPUS_MAX) {
            throw new KvmException("--cpus " + cpus + " is not from 1 to " + Board.CPUS_MAX);
        }
        if (memoryBytes < MEMORY_MIN || memoryBytes % (1 << 20) != 0) {
            throw new KvmException("--memory has to be whole MiB, and " + (MEMORY_MIN >> 20) + "M or more");
        }
        Linux linux = Linux.of(kernel, initrd, commandLine);
        Vireo.Builder plane = Vireo.builder();
        if (config != null) plane.config(config);
        if (check) return describe(linux, plane);
        Snapshot snapshot = restore == null ? null : Snapshot.open(restore, cpus, memoryBytes);
        // First of all: it is what is most often missing.
        try (Kvm kvm = Kvm.open(device);
                Ram ram = new Ram(memoryBytes);
                Vireo vireo = plane.start();
                Machine machine = new Machine(kvm, ram, cpus, disks(vireo, ram, snapshot), console);
                Terminal terminal = raw(machine)) {
            Console typed = new Console(machine, System.in, terminal.isPresent());
            Thread.ofPlatform().daemon().name("console").start(typed::run);
            Outcome outcome = snapshot == null ? machine.run(linux, !noReboot) : machine.resume(snapshot, linux, !noReboot);
            return outcome == Outcome.BROKEN ? FAILED : DONE;
        }
    }

    /** From now on a signal ends the machine, and with it us, instead of us alone. */
    private Terminal raw(Machine machine) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            machine.quit();
            Runtime.getRuntime().halt(status.join());
        }));
        return Terminal.raw();
    }

    private int describe(Linux linux, Vireo.Builder plane) {
        try (Ram ram = new Ram(memoryBytes); Vireo vireo = plane.start()) {
            linux.load(ram, new AcpiTables(cpus), new Registers(new byte[Ioctl.SET_SREGS.argumentBytes()]));
            System.out.printf("%s: %d cpus, %d MiB, %s%n", kernel, cpus, memoryBytes >> 20, commandLine);
            List<MmioDisk> disks = disks(vireo, ram, null);
            for (MmioDisk disk : disks) System.out.println(disk);
            disks.forEach(MmioDisk::close);
            return DONE;
        }
    }

    private List<MmioDisk> disks(Vireo vireo, Ram ram, Snapshot snapshot) {
        if (snapshot != null) snapshot.loadMemory(ram);
        List<MmioDisk> disks = new CopyOnWriteArrayList<>();
        for (VirtioBlkDevice opened : open(vireo)) {
            disks.add(snapshot == null
                    ? new MmioDisk(disks.size(), opened, ram)
                    : new MmioDisk(disks.size(), opened, ram, snapshot.disk(opened.name())));
        }
        return disks;
    }

    private List<VirtioBlkDevice> open(Vireo vireo) {
        List<String> configured = vireo.configuredDevices();
        if (configured.size() + images.size() > Board.DISKS_MAX) {
            throw new KvmException("there is room for " + Board.DISKS_MAX + " disks");
        }
        List<VirtioBlkDevice> devices = new ArrayList<>();
        for (String name : configured) devices.add(vireo.open(name, cpus));
        for (Path image : images) {
            String name = "vd" + (char) ('a' + devices.size());
            if (configured.contains(name)) throw new KvmException("a disk is called " + name + " already, by " + config);
            devices.add(vireo.open(name, image, cpus));
        }
        return devices;
    }

    /** What is the operator's, or his machine's, is said in a line; the rest is a fault of ours, with its trace. */
    private static int report(Exception e) {
        return switch (e) {
            case VireoException refused ->
                say(refused.kind() == VireoException.Kind.IMAGE_IN_USE ? IN_USE : USAGE, e.getMessage());
            case NoSuchFileException file -> say(USAGE, "there is no " + file.getMessage());
            case KvmException _, IOException _ -> say(USAGE, e.getMessage());
            case LibcException _, UncheckedIOException _ -> say(FAILED, e.getMessage());
            default -> {
                e.printStackTrace();
                yield FAILED;
            }
        };
    }

    private static int say(int status, String what) {
        System.err.println("vm: " + what);
        return status;
    }
}
