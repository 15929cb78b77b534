package io.vireo.daemon;

import io.vireo.posix.PosixException;
import io.vireo.virtio.driver.BenchLoad;
import io.vireo.virtio.driver.DriverMemory;
import io.vireo.virtio.driver.VhostUserDisk;
import io.vireo.virtio.driver.Waiting;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "bench",
        description = "Measures any vhost-user-blk back-end, in fio's words. A random write destroys what is on the disk.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    private static final long MEMORY_BYTES = 256L << 20;
    /** Not measured: this JVM compiles its driver meanwhile. */
    private static final long WARM_UP_NANOS = 1_000_000_000;

    enum Access { RANDREAD, RANDWRITE }

    @Option(names = "--socket", required = true, description = "the back-end's socket")
    private Path socket;

    @Option(names = "--rw", defaultValue = "RANDREAD", description = "randread or randwrite")
    private Access access;

    @Option(names = "--bs", defaultValue = "4096", description = "bytes a request, a multiple of 512 (default: ${DEFAULT-VALUE})")
    private int blockBytes;

    @Option(names = "--iodepth", defaultValue = "32", description = "requests in flight, 1..128 (default: ${DEFAULT-VALUE})")
    private int depth;

    @Option(names = "--runtime", defaultValue = "5", description = "seconds, after one of warming up (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--poll", description = "looks at the used ring without pause instead of waiting for calls")
    private boolean poll;

    @Option(names = "--json", description = "prints one JSON object instead of a table")
    private boolean json;

    @Option(names = "--yes", description = "does not ask before it destroys data")
    private boolean yes;

    @Override
    public Integer call() {
        if (depth < 1 || depth > 128 || seconds < 1 || blockBytes < 512 || blockBytes % 512 != 0 || blockBytes > 1 << 20) {
            throw new OperatorException(ExitStatus.USAGE, "--iodepth is 1..128, --runtime at least 1, --bs a multiple of 512"
                    + " up to 1048576");
        }
        if (access == Access.RANDWRITE && !yes && !agreed()) return ExitStatus.USAGE;
        BenchLoad.Options options = BenchLoad.Options.of(
                access == Access.RANDREAD ? BenchLoad.Access.READ : BenchLoad.Access.WRITE, blockBytes, depth,
                Duration.ofSeconds(seconds).toNanos(), poll ? Waiting.SPIN : Waiting.CALL);
        try (DriverMemory memory = DriverMemory.create(MEMORY_BYTES);
                VhostUserDisk disk = VhostUserDisk.attach(socket, memory, VhostUserDisk.Options.defaults())) {
            BenchLoad load = new BenchLoad(disk.transport(), options);
            load.run(WARM_UP_NANOS);
            Duration cpuBefore = cpuOf(disk.frontend().peer().pid());
            BenchLoad.Result result = load.run();
            Figures figures = figures(result, cpuOf(disk.frontend().peer().pid()).minus(cpuBefore));
            System.out.print(json ? figures.json() : figures.table());
            return result.errors() == 0 ? ExitStatus.DONE : ExitStatus.FAILED;
        } catch (PosixException e) {
            throw new OperatorException(ExitStatus.FAILED, "no back-end: " + e.getMessage());
        }
    }

    private static Figures figures(BenchLoad.Result result, Duration backendCpu) {
        double requests = Math.max(1, result.requests());
        return new Figures()
                .with("requests", result.requests())
                .with("errors", result.errors())
                .with("iops", result.iops())
                .with("p50_us", result.latency().nanosAt(0.50) / 1e3)
                .with("p99_us", result.latency().nanosAt(0.99) / 1e3)
                .with("p99.9_us", result.latency().nanosAt(0.999) / 1e3)
                .with("calls_per_1000_io", result.calls() * 1e3 / requests)
                .with("kicks_per_1000_io", result.kicks() * 1e3 / requests)
                .with("backend_cpu_us_per_io", backendCpu.toNanos() / 1e3 / requests);
    }

    /** What the process has used so far; nothing when it is not to be seen. */
    private static Duration cpuOf(int pid) {
        return ProcessHandle.of(pid).flatMap(process -> process.info().totalCpuDuration()).orElse(Duration.ZERO);
    }

    private boolean agreed() {
        if (System.console() == null) {
            throw new OperatorException(ExitStatus.USAGE, "randwrite destroys what is on the disk: say --yes");
        }
        String answer = System.console().readLine("This destroys what is on the disk behind %s. Go on? (yes/no) ", socket);
        return "yes".equals(answer);
    }
}
