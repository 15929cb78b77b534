package io.vireo.actors.plane;

import io.vireo.config.DriveConfig;
import io.vireo.config.Emulation;
import io.vireo.config.ZonedConfig;
import io.vireo.storage.file.FileNode;
import io.vireo.storage.file.FileOptions;
import io.vireo.storage.file.HostDeviceNode;
import io.vireo.storage.file.HostFile;
import io.vireo.storage.filter.ZonedNode;
import io.vireo.storage.node.AioMode;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.Lifetime;
import io.vireo.storage.node.OpenImage;
import io.vireo.storage.nullco.NullNode;
import io.vireo.storage.ram.RamNode;
import io.vireo.storage.raw.RawNode;
import io.vireo.storage.zone.ZoneLimits;
import io.vireo.storage.zone.ZoneModel;
import io.vireo.storage.zone.ZoneState;
import io.vireo.storage.zone.Zones;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the block nodes that drives describe. Blocks: never on an IOThread. */
public final class Nodes {
    private static final Logger LOG = LoggerFactory.getLogger(Nodes.class);

    private Nodes() {}

    /** @throws DriveException what is wrong with an image, and where the configuration names it */
    public static BlockNode open(DriveConfig drive) {
        return open(drive, true);
    }

    /** @param active false: images are left to whoever has them until {@link BlockNode#activate} */
    public static BlockNode open(DriveConfig drive, boolean active) {
        return open(drive, active, null);
    }

    /**
     * Goes on with what another process has opened.
     *
     * @param image its file is the node's from here on, also on an exception
     */
    static BlockNode goOn(DriveConfig drive, OpenImage image) {
        return open(drive, image.active(), image);
    }

    /** @param image null when there is none that is open already */
    private static BlockNode open(DriveConfig drive, boolean active, OpenImage image) {
        try {
            return switch (drive) {
                case DriveConfig.FileDrive file -> {
                    FileOptions options = options(drive, file.filename().toString(), file.options());
                    yield guarded(image == null ? FileNode.open(options, active) : FileNode.goOn(options, image));
                }
                case DriveConfig.HostDeviceDrive device -> {
                    FileOptions options = options(drive, device.filename().toString(), device.options());
                    yield guarded(image == null ? HostDeviceNode.open(options, active) : HostDeviceNode.goOn(options, image));
                }
                case DriveConfig.NullDrive none -> nothing(none);
                case DriveConfig.RamDrive memory -> {
                    RamNode ram = new RamNode(
                            memory.nodeName(), memory.sizeBytes(), memory.readOnly(), memory.emulation().secureErase());
                    yield zoned(memory, memory.emulation(), ram, ram::zero);
                }
                case DriveConfig.RawDrive raw -> window(raw, active, image);
            };
        } catch (ImageException e) {
            throw new DriveException(drive, e);
        }
    }

    private static HostFile guarded(HostFile file) {
        if (file.isUnguarded()) {
            LOG.warn("{} is on a file system without locks: nothing keeps another process off it (locking = auto)",
                    file.options().filename());
        }
        return file;
    }

    private static BlockNode nothing(DriveConfig.NullDrive drive) {
        Emulation emulated = drive.emulation();
        NullNode node = new NullNode(drive.nodeName(), new NullNode.Options(
                drive.sizeBytes(), drive.readOnly(), drive.readZeroes(), drive.latency().toNanos(),
                emulated.secureErase(), emulated.lifetime().map(Nodes::lifetime).orElse(null)));
        return zoned(drive, emulated, node, (_, _) -> {});
    }

    private static Lifetime lifetime(Emulation.Wear wear) {
        return new Lifetime(wear.preEolInfo(), wear.typeA(), wear.typeB());
    }

    private static BlockNode zoned(DriveConfig drive, Emulation emulated, BlockNode node, Zones.Eraser eraser) {
        if (emulated.zoned().isEmpty()) return node;
        ZonedConfig wished = emulated.zoned().get();
        try {
            Zones zones = new Zones(
                    new ZoneLimits(
                            ZoneModel.valueOf(wished.model().name()), wished.sizeBytes(), wished.capacityBytes(),
                            wished.conventional(), wished.maxOpen(), wished.maxActive(), wished.maxAppendBytes(),
                            node.limits().requestAlignmentBytes()),
                    node.sizeBytes(), eraser);
            wished.readOnly().forEach(zone -> zones.fail(zone, ZoneState.READ_ONLY));
            wished.offline().forEach(zone -> zones.fail(zone, ZoneState.OFFLINE));
            return new ZonedNode(node, zones);
        } catch (IllegalArgumentException e) {
            node.close();
            throw new ImageException(ImageException.Kind.OUT_OF_RANGE, drive.nodeName(), "zoned: " + e.getMessage(), e);
        }
    }

    private static BlockNode window(DriveConfig.RawDrive raw, boolean active, OpenImage image) {
        BlockNode child = open(raw.file(), active, image);
        try {
            return RawNode.window(raw.nodeName(), child, raw.offsetBytes(), raw.sizeBytes().orElse(-1));
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
