package io.vireo.actors.plane;

import io.vireo.config.DriveConfig;
import io.vireo.storage.file.FileNode;
import io.vireo.storage.file.FileOptions;
import io.vireo.storage.file.HostDeviceNode;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.nullco.NullNode;
import io.vireo.storage.ram.RamNode;
import io.vireo.storage.raw.RawNode;

/** Opens the block nodes that drives describe. Blocks: never on an IOThread. */
public final class Nodes {
    private Nodes() {}

    /** @throws DriveException what is wrong with an image, and where the configuration names it */
    public static BlockNode open(DriveConfig drive) {
        return open(drive, true);
    }

    /** @param active false: images are left to whoever has them until {@link BlockNode#activate} */
    public static BlockNode open(DriveConfig drive, boolean active) {
        try {
            return switch (drive) {
                case DriveConfig.FileDrive file ->
                    FileNode.open(options(drive, file.filename().toString(), file.options()), active);
                case DriveConfig.HostDeviceDrive device ->
                    HostDeviceNode.open(options(drive, device.filename().toString(), device.options()), active);
                case DriveConfig.NullDrive none -> new NullNode(none.nodeName(), new NullNode.Options(
                        none.sizeBytes(), none.readOnly(), none.readZeroes(), none.latency().toNanos()));
                case DriveConfig.RamDrive ram -> new RamNode(ram.nodeName(), ram.sizeBytes(), ram.readOnly());
                case DriveConfig.RawDrive raw -> window(raw, active);
            };
        } catch (ImageException e) {
            throw new DriveException(drive, e);
        }
    }

    private static BlockNode window(DriveConfig.RawDrive raw, boolean active) {
        BlockNode child = open(raw.file(), active);
        try {
            long size = raw.sizeBytes().orElse(child.sizeBytes() - raw.offsetBytes());
            return RawNode.window(raw.nodeName(), child, raw.offsetBytes(), size);
        } catch (RuntimeException e) {
            child.close();
            throw e;
        }
    }

    private static FileOptions options(DriveConfig drive, String filename, io.vireo.config.FileOptions options) {
        return FileOptions.of(drive.nodeName(), filename)
                .withAccess(options.readOnly() ? FileOptions.Access.READ_ONLY : FileOptions.Access.READ_WRITE)
                .withCache(new FileOptions.Cache(options.cache().direct(), options.cache().noFlush()))
                .withAio(AioMode.valueOf(options.aio().name()))
                .withDiscard(FileOptions.Discard.valueOf(options.discard().name()))
                .withLocking(FileOptions.Locking.valueOf(options.locking().name()));
    }
}
