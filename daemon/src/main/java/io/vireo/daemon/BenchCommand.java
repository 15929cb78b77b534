package io.vireo.daemon;

import io.vireo.config.DriveConfig;
import io.vireo.config.FileOptions;
import io.vireo.config.LogConfig;
import io.vireo.config.Origin;
import io.vireo.posix.PosixException;
import io.vireo.virtio.driver.BenchLoad;
import io.vireo.virtio.driver.DeviceFault;
import io.vireo.virtio.driver.DriverTransport;
import io.vireo.virtio.driver.FrontendException;
import io.vireo.virtio.driver.Waiting;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "bench",
        description = "Measures a vhost-user-blk back-end, anybody's, or a file or block device through an IOThread in this"
                + " process, in fio's words. Whatever writes destroys what is on the disk.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    /** Not measured: this JVM compiles meanwhile. */
    private static final long WARM_UP_NANOS = 1_000_000_000;
    private static final int DEPTH_MAX = 128;
    /** Rings, headers and guards. */
    private static final long MEMORY_SPARE_BYTES = 16L << 20;

    static final class Target {
        @Option(names = "--socket", description = "a back-end's socket; said several times, all are driven at once")
        private List<Path> sockets;

        @Option(names = "--filename", description = "a file or block device")
        private Path filename;
    }

    @ArgGroup(multiplicity = "1")
    private Target target;

    @Option(names = "--direct", description = "past the host's page cache (with --filename)")
    private boolean direct;

    @Option(names = "--ioengine", defaultValue = "auto",
            description = "io_uring, native, threads or auto (with --filename; default: ${DEFAULT-VALUE})")
    private String engine;

    @Option(names = "--rw", defaultValue = "RANDREAD",
            description = "read, write, rw, randread, randwrite or randrw (default: randread)")
    private BenchLoad.Access access;

    @Option(names = "--rwmixread", defaultValue = "50", description = "percent of reads in rw and randrw (default: ${DEFAULT-VALUE})")
    private int readPercent;

    @Option(names = "--bs", defaultValue = "4k", converter = BlockBytes.class,
            description = "the size of a request: a multiple of 512 up to 1m, as 512, 4k or 128k (default: ${DEFAULT-VALUE})")
    private int blockBytes;

    @Option(names = "--iodepth", defaultValue = "32", split = ",",
            description = "requests in flight, 0..128, in each queue (default: ${DEFAULT-VALUE}); of several sockets N,N... says it"
                    + " for each, and the last for all that follow; 0 leaves a disk idle")
    private List<Integer> depths;

    @Option(names = "--numjobs", defaultValue = "1", description = "queues, 1..16, driven by one thread (default: ${DEFAULT-VALUE})")
    private int queues;

    @Option(names = "--runtime", defaultValue = "5", description = "seconds, after one of warming up (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--poll", description = "looks at the used ring without pause instead of waiting for calls")
    private boolean poll;

    @Option(names = "--packed", description = "on packed virtqueues instead of split ones")
    private boolean packed;

    @Option(names = "--json", description = "prints one JSON object instead of a table")
    private boolean json;

    @Option(names = "--yes", description = "does not ask before it destroys data")
    private boolean yes;

    @Override
    public Integer call() throws Exception {
        for (int depth : depths)
            refuse(depth < 0 || depth > DEPTH_MAX, "--iodepth " + depth + " is not within 0.." + DEPTH_MAX);
        refuse(depths.size() > disks().size(), "--iodepth has " + depths.size() + " depths for " + disks().size() + " disks");
        refuse(queues < 1 || queues > 16, "--numjobs " + queues + " is not within 1..16");
        refuse(seconds < 1, "--runtime " + seconds + " is less than 1");
        refuse(readPercent < 0 || readPercent > 100, "--rwmixread " + readPercent + " is not within 0..100");
        refuse(target.filename == null && direct, "--direct goes with --filename: the back-end has opened its disk already");
        if (access.writes() && !yes && !agreed()) return ExitStatus.USAGE;
        LogSetup.apply(new LogConfig(LogConfig.Format.TEXT, LogConfig.Level.WARN));
        BenchLoad.Options options = BenchLoad.Options.of(access, blockBytes, depths.getFirst(), TimeUnit.SECONDS.toNanos(seconds),
                poll ? Waiting.SPIN : Waiting.CALL).withReadPercent(readPercent);
        try (BenchTarget driven = open()) {
            BenchReport report = measure(driven, options);
            System.out.print(json ? report.json() : report.table());
            if (!report.caution().isEmpty()) System.err.println("bench: " + report.caution());
            return report.total().errors() == 0 ? ExitStatus.DONE : ExitStatus.FAILED;
        } catch (FrontendException | PosixException | DeviceFault e) {
            throw new OperatorException(ExitStatus.FAILED, "bench: " + e.getMessage());
        }
    }

    private List<Path> disks() {
        return target.filename == null ? target.sockets : List.of(target.filename);
    }

    private BenchTarget open() {
        long memoryBytes = MEMORY_SPARE_BYTES + (long) queues * Collections.max(depths) * (blockBytes + (16 << 10));
        if (target.filename == null) return new BenchSockets(target.sockets, queues, packed, memoryBytes);
        FileOptions options = FileOptions.DEFAULT.withCache(new FileOptions.Cache(direct, false)).withAio(aio())
                .withReadOnly(!access.writes());
        Path path = target.filename.toAbsolutePath();
        boolean block = Files.exists(path) && !Files.isRegularFile(path);
        return new BenchFile(block ? new DriveConfig.HostDeviceDrive("disk", path, options, Origin.PROGRAM)
                : new DriveConfig.FileDrive("disk", path, options, Origin.PROGRAM), queues, packed, memoryBytes);
    }

    private FileOptions.Aio aio() {
        try {
            return FileOptions.Aio.valueOf(engine.toUpperCase(Locale.ROOT));
        } catch (IllegalArgumentException e) {
            throw new OperatorException(ExitStatus.USAGE, "--ioengine " + engine + " is not io_uring, native, threads or auto");
        }
    }

    private BenchReport measure(BenchTarget driven, BenchLoad.Options options) throws InterruptedException {
        WatchedLoad load = new WatchedLoad(fitting(driven, options), driven);
        load.run(WARM_UP_NANOS, false);
        long cpu = driven.cpuNanos();
        long read = driven.deviceReadBytes();
        List<BenchLoad.Result> results = load.run(options.durationNanos(), true);
        long readAfter = driven.deviceReadBytes();
        return new BenchReport(options, disks(), results, driven.cpuNanos() - cpu, read < 0 ? -1 : readAfter - read);
    }

    private BenchLoad fitting(BenchTarget driven, BenchLoad.Options options) {
        try {
            List<DriverTransport> transports = driven.transports();
            return new BenchLoad(IntStream.range(0, transports.size()).mapToObj(i -> new BenchLoad.Part(transports.get(i),
                    depths.get(Math.min(i, depths.size() - 1)))).toList(), options);
        } catch (IllegalArgumentException e) {
            throw new OperatorException(ExitStatus.USAGE, "bench: " + e.getMessage());
        }
    }

    private boolean agreed() {
        if (System.console() == null) refuse(true, access.name().toLowerCase(Locale.ROOT) + " destroys what is on the disk: say --yes");
        String named = disks().stream().map(Path::toString).collect(Collectors.joining(", "));
        return "yes".equals(System.console().readLine("This destroys what is on %s. Go on? (yes/no) ", named));
    }

    private static void refuse(boolean wrong, String why) {
        if (wrong) throw new OperatorException(ExitStatus.USAGE, why);
    }
}
