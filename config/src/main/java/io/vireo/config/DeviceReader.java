package io.vireo.config;

import io.vireo.config.DeviceConfig.QueueAssignment;
import io.vireo.config.TransportConfig.SocketPath;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Reads the blocks of {@code devices}; what they refer to was read before. */
final class DeviceReader {
    private static final Set<String> LABELS_TAKEN = Set.of("device", "drive", "iothread");

    private final Set<String> iothreads;
    private final Set<String> drives;
    private final boolean embedded;
    private final List<Problem> warnings;

    DeviceReader(Set<String> iothreads, Set<String> drives, boolean embedded, List<Problem> warnings) {
        this.iothreads = iothreads;
        this.drives = drives;
        this.embedded = embedded;
        this.warnings = warnings;
    }

    DeviceConfig read(String name, Block block) {
        block.read("type", "virtio-blk", Value.word("type", List.of("virtio-blk")));
        String drive = block.require("drive", "", Value.reference("drive", drives), "the name of a drive");
        VirtqueueConfig queues = queues(block);
        List<QueueAssignment> assigned = assigned(block, queues.count());
        for (String policy : List.of("rerror", "werror")) {
            block.read(policy, "report", Value.word(policy, "report", List.of("ignore", "stop", "enospc", "auto")));
        }
        var device = new DeviceConfig(
                name, drive, assigned, queues, serial(name, block),
                block.read("write-cache", true, Value.flag()),
                block.read("read-only", false, Value.flag()),
                limits(block), labels(block.block("labels")), transport(block), block.origin());
        block.finish();
        return device;
    }

    private VirtqueueConfig queues(Block block) {
        VirtqueueConfig defaults = VirtqueueConfig.DEFAULT;
        int count = embedded ? VirtqueueConfig.AS_GIVEN : defaults.count();
        VirtqueueConfig queues = new VirtqueueConfig(
                block.read("num-queues", count, Value.integer(1, VirtqueueConfig.COUNT_MAX)),
                block.read("queue-size", defaults.size(),
                        Value.powerOfTwo(VirtqueueConfig.SIZE_MIN, VirtqueueConfig.SIZE_MAX)),
                defaults.features());
        for (RingFeature feature : RingFeature.values()) {
            queues = queues.with(feature, block.read(feature.key(), feature.usual(), Value.flag()));
        }
        return queues;
    }

    private List<QueueAssignment> assigned(Block block, int queueCount) {
        Value<String> iothread = Value.reference("iothread", iothreads);
        Optional<String> single = block.find("iothread", iothread);
        if (!block.says("iothread-vq-mapping")) {
            return single.map(one -> List.of(new QueueAssignment(one, List.of()))).orElse(List.of());
        }
        String key = "iothread-vq-mapping";
        if (block.says("iothread")) {
            block.problem(key, "stands beside iothread", "allowed: one of the two");
        }
        var mapping = new ArrayList<QueueAssignment>();
        var queues = new TreeSet<Integer>();
        var names = new TreeSet<String>();
        List<Block> entries = block.blocks(key);
        int queueMax = (queueCount == VirtqueueConfig.AS_GIVEN ? VirtqueueConfig.COUNT_MAX : queueCount) - 1;
        for (Block entry : entries) {
            String name = entry.require("iothread", "", iothread, "the name of an iothread");
            if (!name.isEmpty() && !names.add(name)) entry.problem("iothread", "is in the list twice", "allowed: once");
            List<Integer> vqs = entry.list("vqs", Value.integer(0, queueMax));
            for (int queue : vqs) {
                if (!queues.add(queue)) entry.problem("vqs", "queue " + queue + " is assigned twice", "allowed: once");
            }
            entry.finish();
            mapping.add(new QueueAssignment(name, vqs));
        }
        if (block.emptyList(key)) block.problem(key, "is empty", "allowed: at least one entry");
        long withVqs = entries.stream().filter(entry -> entry.says("vqs")).count();
        if (withVqs > 0 && withVqs < entries.size()) {
            block.problem(key, "only some entries have vqs", "allowed: all of them or none");
        }
        List<Integer> left = IntStream.range(0, queueCount).boxed().filter(queue -> !queues.contains(queue)).toList();
        if (withVqs > 0 && !left.isEmpty()) {
            block.problem(key, "nobody serves queue " + Cpus.format(left), "allowed: every queue once");
        }
        return mapping;
    }

    private String serial(String name, Block block) {
        String serial = block.read("serial", name, Value.text());
        String cut = DeviceConfig.cutSerial(serial);
        if (!cut.equals(serial)) {
            warnings.add(new Problem(
                    block.originOf("serial"),
                    "'" + serial + "' is longer than 20 bytes: the guest sees '" + cut + "'", ""));
        }
        return cut;
    }

    private static BlockLimits limits(Block block) {
        Value<Integer> blockSize = Value.powerOfTwo(512, BlockLimits.BLOCK_BYTES_MAX);
        Value<Integer> sectors = Value.integer(1, BlockLimits.SECTORS_MAX);
        int logical = block.read("logical_block_size", 0, blockSize);
        int physical = block.read("physical_block_size", 0, blockSize);
        if (physical != 0 && logical > physical) {
            block.problem("logical_block_size", "is more than physical_block_size",
                    "allowed: up to " + physical + " bytes");
        }
        return new BlockLimits(
                logical, physical,
                hint(block, "min_io_size", logical), hint(block, "opt_io_size", logical),
                hint(block, "discard_granularity", logical),
                block.read("max-discard-sectors", BlockLimits.SECTORS_MAX, sectors),
                block.read("max-write-zeroes-sectors", BlockLimits.SECTORS_MAX, sectors));
    }

    /** Bytes here, whole logical blocks for the guest; min_io_size has 16 bits for them. */
    private static int hint(Block block, String key, int logical) {
        int unit = Math.max(logical, 512);
        int blocksMax = key.equals("min_io_size") ? 0xFFFF : Integer.MAX_VALUE / unit;
        long max = Math.min((long) blocksMax * unit, Integer.MAX_VALUE);
        int bytes = block.read(key, 0, Value.integer(0, (int) max));
        if (bytes % unit != 0) {
            block.problem(key, "is not a multiple of the logical block", "allowed: multiples of " + unit + " bytes");
        }
        return bytes;
    }

    private static Map<String, String> labels(Block block) {
        var labels = new TreeMap<String, String>();
        for (String name : block.keys()) {
            if (!name.matches("[a-zA-Z][a-zA-Z0-9_]{0,63}") || LABELS_TAKEN.contains(name)) {
                block.problem(name, "is not a free label name",
                        "allowed: a letter, then letters, digits or '_'; not device, drive, iothread");
            }
            block.find(name, Value.text()).ifPresent(value -> labels.put(name, value));
        }
        return labels;
    }

    private Optional<TransportConfig> transport(Block device) {
        if (!device.says("transport")) {
            if (!embedded) {
                device.missing("transport", "transport { type = vhost-user, path = \"/run/vireo/vda.sock\" }");
            }
            return Optional.empty();
        }
        Block block = device.block("transport");
        block.read("type", "vhost-user", Value.word("type", List.of("vhost-user")));
        boolean connects = block.read("role", "listen", Value.word("role", List.of("listen", "connect"))).equals("connect");
        boolean incoming = block.read("incoming", false, Value.flag());
        TransportConfig transport = connects ? socketPeer(block, incoming)
                : block.says("fd") ? socketFd(block, incoming) : socketPath(block, incoming);
        block.finish();
        return Optional.of(transport);
    }

    private static TransportConfig socketFd(Block block, boolean incoming) {
        for (String key : List.of("path", "mode", "user", "group")) {
            if (block.says(key)) block.problem(key, "stands beside fd", "allowed: fd alone, its socket exists already");
        }
        return new TransportConfig.SocketFd(
                block.read("fd", 0, Value.integer(0, Integer.MAX_VALUE)), incoming, block.originOf("fd"));
    }

    private static TransportConfig socketPeer(Block block, boolean incoming) {
        for (String key : List.of("fd", "mode", "user", "group")) {
            if (block.says(key)) {
                block.problem(key, "stands beside role = connect", "allowed: path alone, its socket is the front-end's");
            }
        }
        return new TransportConfig.SocketPeer(
                path(block, "the path of the socket on which the front-end listens"), incoming, block.originOf("path"));
    }

    private static TransportConfig socketPath(Block block, boolean incoming) {
        Path path = path(block, "the path of a socket, or fd with the number of an inherited one");
        Optional<String> group = block.find("group", Value.text());
        int mode = block.read("mode",
                group.isPresent()
                        ? SocketPath.MODE_WITH_GROUP
                        : SocketPath.MODE_ALONE,
                Value.mode());
        return new SocketPath(
                path, mode, block.find("user", Value.text()), group, incoming, block.originOf("path"));
    }

    private static Path path(Block block, String wanted) {
        if (!block.says("path")) block.missing("path", wanted);
        Path path = block.path("path").orElse(Path.of("/"));
        int bytes = path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (bytes > SocketPath.PATH_BYTES_MAX) {
            block.problem("path", "is " + bytes + " bytes long: " + path,
                    "allowed: at most " + SocketPath.PATH_BYTES_MAX + " in a UNIX socket's path");
        }
        return path;
    }
}
