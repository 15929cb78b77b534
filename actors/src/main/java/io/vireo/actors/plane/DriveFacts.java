package io.vireo.actors.plane;

import io.vireo.actors.iothread.IoThread;
import io.vireo.config.DriveConfig;
import io.vireo.config.FileOptions;
import io.vireo.monitoring.metrics.DriveView;
import io.vireo.storage.file.AioChoice;
import io.vireo.storage.file.HostFile;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.raw.RawNode;
import java.util.Collection;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/** An open drive as the metrics show it: with the engine that is used, not the one that was asked for. Thread: any. */
public final class DriveFacts implements DriveView {
    private static final String NONE = "none";

    private final String nodeName;
    private final String driver;
    /** Null when there is no file. */
    private final FileOptions options;
    private final List<IoThread> servedBy;
    /** Null when there is none. */
    private final HostFile file;

    private DriveFacts(DriveConfig drive, BlockNode node, Collection<IoThread> servedBy) {
        this.nodeName = node.nodeName();
        this.driver = node.driver();
        this.options = switch (drive.protocol()) {
            case DriveConfig.FileDrive file -> file.options();
            case DriveConfig.HostDeviceDrive device -> device.options();
            default -> null;
        };
        this.servedBy = servedBy.stream().distinct().toList();
        this.file = fileBelow(node);
    }

    private static HostFile fileBelow(BlockNode node) {
        return switch (node) {
            case HostFile file -> file;
            case RawNode raw -> fileBelow(raw.child());
            default -> null;
        };
    }

    /** @param servedBy the running IOThreads of its devices; without any, nothing does its I/O */
    public static DriveFacts of(DriveConfig drive, BlockNode node, Collection<IoThread> servedBy) {
        return new DriveFacts(drive, node, servedBy);
    }

    @Override
    public String nodeName() {
        return nodeName;
    }

    @Override
    public String driver() {
        return driver;
    }

    /** Asked each time: an IOThread finds out only when a driver comes that the kernel has no Linux AIO left. */
    @Override
    public String aio() {
        if (options == null || servedBy.isEmpty()) return NONE;
        AioMode requested = AioMode.valueOf(options.aio().name());
        return servedBy.stream()
                .map(thread -> new AioChoice(thread.kindOf(requested), "").forFile(options.cache().direct()).kind().option())
                .distinct().collect(Collectors.joining(","));
    }

    @Override
    public OptionalLong cacheReadBytes() {
        return file == null ? OptionalLong.empty() : OptionalLong.of(file.cacheReadBytes());
    }

    @Override
    public OptionalLong engineReadBytes() {
        return file == null ? OptionalLong.empty() : OptionalLong.of(file.engineReadBytes());
    }

    @Override
    public String cache() {
        if (options == null) return NONE;
        return (options.cache().direct() ? "direct" : "buffered") + (options.cache().noFlush() ? ",no-flush" : "");
    }
}
