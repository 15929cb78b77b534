package io.vireo.config;

import io.vireo.config.DriveConfig.FileDrive;
import io.vireo.config.DriveConfig.HostDeviceDrive;
import io.vireo.config.DriveConfig.NullDrive;
import io.vireo.config.DriveConfig.RamDrive;
import io.vireo.config.DriveConfig.RawDrive;
import io.vireo.config.FileOptions.Aio;
import io.vireo.config.FileOptions.Cache;
import io.vireo.config.FileOptions.Discard;
import io.vireo.config.FileOptions.Locking;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** Reads the blocks of {@code drives}. As in QEMU a node hands its cache mode, read-only and discard down. */
final class DriveReader {
    private static final List<String> DRIVERS = List.of("file", "host_device", "raw", "null-co", "ram");
    private static final Duration LATENCY_MAX = Duration.ofHours(1);

    private final Set<String> nodeNames;

    DriveReader(Set<String> topNodeNames) {
        this.nodeNames = new HashSet<>(topNodeNames);
    }

    DriveConfig read(String nodeName, Block block) {
        return read(nodeName, block, FileOptions.DEFAULT);
    }

    private DriveConfig read(String nodeName, Block block, FileOptions above) {
        Value<String> known = Value.word("driver", DRIVERS);
        if (!block.says("driver")) block.missing("driver", String.join(", ", DRIVERS));
        Optional<String> driver = block.find("driver", known);
        // Which keys are allowed depends on the driver, so without one the others are not judged.
        if (driver.isEmpty()) return NullDrive.of(nodeName, NullDrive.SIZE_BYTES);
        DriveConfig drive = switch (driver.get()) {
            case "raw" -> raw(nodeName, block, options(block, above));
            case "null-co" -> nothing(nodeName, block, above);
            case "ram" -> ram(nodeName, block, above);
            case "file" -> new FileDrive(
                    nodeName, filename(block), fileOptions(block, above), block.originOf("filename"));
            default -> new HostDeviceDrive(
                    nodeName, filename(block), fileOptions(block, above), block.originOf("filename"));
        };
        block.finish();
        return drive;
    }

    private RawDrive raw(String nodeName, Block block, FileOptions options) {
        long offset = block.read("offset", 0L, Value.sectors(0));
        Optional<Long> size = block.find("size", Value.sectors(512));
        if (size.isPresent() && size.get() > Long.MAX_VALUE - offset) {
            block.problem("size", "offset and size are more than a file can have", "allowed: less than 8E together");
        }
        if (!block.says("file")) block.missing("file", "the node below, as in file { driver = file, filename = .. }");
        DriveConfig file = block.says("file") ? below(nodeName, block.block("file"), options) : NullDrive.of("", 512);
        if (file.readOnly() && !options.readOnly() && block.says("read-only")) {
            block.problem("read-only", "is off, but the node below is read-only", "allowed: on");
        }
        return new RawDrive(
                nodeName, file, offset, size.map(OptionalLong::of).orElseGet(OptionalLong::empty),
                options.readOnly() || file.readOnly(), block.origin());
    }

    private DriveConfig below(String above, Block block, FileOptions options) {
        String nodeName = block.read("node-name", above + ".file", Value.text());
        if (!nodeNames.add(nodeName)) {
            block.problem("node-name", "there is another node '" + nodeName + "'", "allowed: a name of its own");
        }
        return read(nodeName, block, options);
    }

    private static NullDrive nothing(String nodeName, Block block, FileOptions above) {
        long size = block.read("size", NullDrive.SIZE_BYTES, Value.sectors(512));
        return new NullDrive(
                nodeName,
                size,
                block.read("read-zeroes", false, Value.flag()),
                block.read("latency", Duration.ZERO, Value.duration(LATENCY_MAX)),
                block.read("read-only", above.readOnly(), Value.flag()),
                EmulationReader.read(block, size, true),
                block.origin());
    }

    /** Of the host's memory, so how much is not ours to say. */
    private static RamDrive ram(String nodeName, Block block, FileOptions above) {
        if (!block.says("size")) block.missing("size", "how much of the host's memory it may take, as in 1G");
        long size = block.read("size", 512L, Value.sectors(512));
        return new RamDrive(
                nodeName,
                size,
                block.read("read-only", above.readOnly(), Value.flag()),
                EmulationReader.read(block, size, false),
                block.origin());
    }

    private static Path filename(Block block) {
        if (!block.says("filename")) block.missing("filename", "the path of an image, as in \"vm.img\"");
        return block.path("filename").orElse(Path.of("/"));
    }

    private static FileOptions fileOptions(Block block, FileOptions above) {
        FileOptions options = options(block, above)
                .withAio(block.read("aio", Aio.AUTO, Value.word("aio", Aio.class)))
                .withLocking(block.read("locking", Locking.AUTO, Value.word("locking", Locking.class)));
        if (options.aio() == Aio.NATIVE && !options.cache().direct()) {
            block.problem("aio", "native would block without cache.direct = on",
                    "allowed: cache.direct = on beside it, or auto, io_uring, threads");
        }
        return options;
    }

    /** What every node with a file at the bottom takes. */
    private static FileOptions options(Block block, FileOptions above) {
        Block cache = block.block("cache");
        boolean direct = cache.read("direct", above.cache().direct(), Value.flag());
        boolean noFlush = cache.read("no-flush", above.cache().noFlush(), Value.flag());
        cache.finish();
        block.read("detect-zeroes", "off", Value.word("detect-zeroes", "off", List.of("on", "unmap")));
        return above
                .withCache(new Cache(direct, noFlush))
                .withReadOnly(block.read("read-only", above.readOnly(), Value.flag()))
                .withDiscard(block.read("discard", above.discard(), Value.word("discard", Discard.class)));
    }
}
