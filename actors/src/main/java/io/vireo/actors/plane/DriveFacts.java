package io.vireo.actors.plane;

import io.vireo.config.DriveConfig;
import io.vireo.config.FileOptions;
import io.vireo.monitoring.metrics.DriveView;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;

/** An open drive as the metrics show it: with the engine that is used, not the one that was asked for. */
public record DriveFacts(String nodeName, String driver, String aio, String cache) implements DriveView {
    /** @param ioThreads of which one at least runs */
    public static DriveFacts of(DriveConfig drive, BlockNode node, IoThreads ioThreads) {
        return switch (drive.protocol()) {
            case DriveConfig.FileDrive file -> of(node, file.options(), ioThreads);
            case DriveConfig.HostDeviceDrive device -> of(node, device.options(), ioThreads);
            default -> new DriveFacts(node.nodeName(), node.driver(), "none", "none");
        };
    }

    private static DriveFacts of(BlockNode node, FileOptions options, IoThreads ioThreads) {
        AioMode requested = AioMode.valueOf(options.aio().name());
        AioMode used = ioThreads.all().stream().findFirst().map(thread -> thread.kindOf(requested)).orElse(requested);
        String cache = (options.cache().direct() ? "direct" : "buffered") + (options.cache().noFlush() ? ",no-flush" : "");
        return new DriveFacts(node.nodeName(), node.driver(), used.option(), cache);
    }
}
