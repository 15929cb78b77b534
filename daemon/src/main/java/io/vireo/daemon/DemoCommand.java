package io.vireo.daemon;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vireo.config.DeviceConfig;
import io.vireo.config.DriveConfig;
import io.vireo.config.IoThreadConfig;
import io.vireo.config.LogConfig;
import io.vireo.config.RingFeature;
import io.vireo.config.VirtqueueConfig;
import io.vireo.embed.Vireo;
import io.vireo.embed.VirtioBlkDevice;
import io.vireo.monitoring.metrics.MetricsServer;
import io.vireo.virtio.driver.LoadOptions;
import io.vireo.virtio.driver.LoadResult;
import io.vireo.virtio.driver.VerifyingLoad;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "demo",
        description = "Drives a disk through an IOThread by a guest-side driver in this process, and verifies every sector.",
        mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
    private static final long IMAGE_BYTES = 256L << 20;
    private static final long GUEST_BYTES = 64L << 20;
    private static final String IO_THREAD = "io0";

    @Option(names = "--seconds", defaultValue = "10", description = "how long (default: ${DEFAULT-VALUE})")
    private int seconds;

    @Option(names = "--packed", description = "on packed virtqueues instead of split ones")
    private boolean packed;

    @Option(names = "--json", description = "the result as JSON")
    private boolean json;

    @Option(names = "--seed", description = "repeats the requests of another run")
    private Long seed;

    @Override
    public Integer call() throws Exception {
        if (seconds < 1) throw new OperatorException(ExitStatus.USAGE, "--seconds " + seconds + " is less than 1");
        LogSetup.apply(new LogConfig(LogConfig.Format.TEXT, LogConfig.Level.WARN));
        long seedUsed = seed != null ? seed : new Random().nextLong();
        Path folder = Files.createTempDirectory("vireo-demo");
        Path image = folder.resolve("disk.img");
        try {
            try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
                file.setLength(IMAGE_BYTES);
            }
            return drive(image, seedUsed);
        } finally {
            Files.deleteIfExists(image);
            Files.deleteIfExists(folder);
        }
    }

    private int drive(Path image, long seedUsed) throws Exception {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        DeviceConfig vda = DeviceConfig.of("vda", "disk").withIothread(IO_THREAD)
                .withQueues(VirtqueueConfig.DEFAULT.with(RingFeature.PACKED, packed));
        try (MetricsServer server = MetricsServer.start("127.0.0.1", 0, registry);
                Vireo vireo = Vireo.builder().meterRegistry(registry).iothread(IoThreadConfig.of(IO_THREAD)).start();
                VirtioBlkDevice device = vireo.open(DriveConfig.FileDrive.of("disk", image), vda);
                InProcessGuest guest = InProcessGuest.attach(device, GUEST_BYTES)) {
            String metrics = "http://127.0.0.1:" + server.address().getPort() + "/metrics";
            System.err.println("driving " + image + " for " + seconds + " s, seed " + seedUsed + ", metrics at " + metrics);
            ThreadCost cost = ThreadCost.of(IO_THREAD);
            VerifyingLoad load = new VerifyingLoad(guest.transport(), LoadOptions.of(seedUsed)
                    .withDurationNanos(TimeUnit.SECONDS.toNanos(seconds)).withWindowSectors((int) (IMAGE_BYTES / 512)));
            LoadResult result = runWithProgress(load);
            DemoReport report = new DemoReport(result, cost.cpuNanos(), cost.allocatedBytes(), seedUsed, metrics);
            System.out.print(json ? report.json() : report.table());
            return result.clean() ? ExitStatus.DONE : ExitStatus.FAILED;
        }
    }

    private static LoadResult runWithProgress(VerifyingLoad load) throws Exception {
        CompletableFuture<LoadResult> result = CompletableFuture.supplyAsync(
                load::run, work -> Thread.ofPlatform().name("guest").start(work));
        long before = 0;
        while (true) {
            try {
                return result.get(1, TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                long now = load.completedRequests();
                System.err.printf("  %,d requests/s, %,d sectors verified, %,d mismatched%n",
                        now - before, load.verifiedSectors(), load.mismatchedSectors());
                before = now;
            }
        }
    }
}
