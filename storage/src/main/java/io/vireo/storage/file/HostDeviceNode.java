package io.vireo.storage.file;

import io.vireo.posix.BlockDeviceGeometry;
import io.vireo.posix.Fd;
import io.vireo.posix.FileStatus;
import io.vireo.posix.PosixFile;
import io.vireo.storage.node.ImageException;
import io.vireo.storage.node.NodeLimits;
import io.vireo.storage.node.NodeLimits.RangeLimits;
import io.vireo.storage.node.OpenImage;
import io.vireo.storage.zone.ZoneLimits;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens block devices: the driver {@code host_device}. */
public final class HostDeviceNode {
    private HostDeviceNode() {}

    /**
     * Opens and locks the device. Blocks: not for IOThreads.
     *
     * @throws ImageException saying what is wrong with it; nothing stays open then
     */
    public static HostFile open(FileOptions options) {
        return open(options, true);
    }

    /** @param active false: leaves the image to whoever has it until {@link HostFile#activate} */
    public static HostFile open(FileOptions options, boolean active) {
        if (OpenFile.status(options).kind() != FileStatus.Kind.BLOCK) {
            throw new ImageException(ImageException.Kind.NOT_A_DEVICE, options.filename(), "is not a block device");
        }
        return of(options, OpenFile.open(options, active), active);
    }

    /** As {@link FileNode#goOn}. */
    public static HostFile goOn(FileOptions options, OpenImage image) {
        OpenFile.checkSame(options, image.file());
        // Its locks are those of the open file description: what the one before had, and gives up, this one has.
        return of(options, image.file(), image.active());
    }

    private static HostFile of(FileOptions options, Fd fd, boolean active) {
        try {
            BlockDeviceGeometry geometry = PosixFile.geometry(fd);
            long size = OpenFile.checkedSize(options, geometry.sizeBytes());
            BlockQueue queue = BlockQueue.of(deviceNumber(options.filename()));
            refuseZoned(options, queue);
            DeviceLifetime lifetime = queue.lifetime();
            boolean erases = !options.readOnly() && PosixFile.canSecureErase(fd);
            NodeLimits limits = ranges(options, queue)
                    .withRare(new NodeLimits.Rare(
                            erases ? RangeLimits.alignedTo(eraseUnit(queue)) : RangeLimits.UNSUPPORTED,
                            lifetime.isKnown(), ZoneLimits.NONE))
                    .withBlocks(geometry.logicalBlockBytes(), geometry.physicalBlockBytes())
                    .withIoHints(geometry.minIoBytes(), geometry.optIoBytes());
            limits = OpenFile.withDirect(
                    options, fd, size, geometry.logicalBlockBytes(), queue.memoryAlignmentBytes(), limits);
            return new HostFile("host_device", Extent.DEVICE, options, fd, active, size, limits,
                    lifetime.isKnown() ? lifetime::read : null);
        } catch (RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Both operations are fallocate(2) on the device, which the kernel carries out by writing zeroes or by unmapping so
     * that zeroes are read; a disk that has neither says EOPNOTSUPP.
     */
    private static NodeLimits ranges(FileOptions options, BlockQueue queue) {
        if (options.readOnly()) return NodeLimits.SECTORS;
        boolean zeroes = queue.attribute("write_zeroes_max_bytes", 0) > 0;
        boolean discards = zeroes && queue.attribute("discard_max_bytes", 0) > 0;
        boolean unmaps = options.discard() == FileOptions.Discard.UNMAP;
        int granularity = Math.max(NodeLimits.SECTOR_BYTES, (int) queue.attribute("discard_granularity", 0));
        return NodeLimits.SECTORS.withRanges(
                discards || !unmaps ? RangeLimits.alignedTo(granularity) : RangeLimits.UNSUPPORTED,
                // ZERO_RANGE is written out by the kernel where the disk has no command for it.
                RangeLimits.alignedTo(NodeLimits.SECTOR_BYTES),
                discards && unmaps);
    }

    private static int eraseUnit(BlockQueue queue) {
        return Math.max(NodeLimits.SECTOR_BYTES, (int) queue.attribute("discard_granularity", 0));
    }

    /** Its sequential zones would refuse most of what a guest does that knows of no zones. */
    static void refuseZoned(FileOptions options, BlockQueue queue) {
        String model = queue.word("zoned", "none");
        if (!model.equals("host-managed")) return;
        throw new ImageException(ImageException.Kind.ZONED, options.filename(),
                "is a " + model + " zoned device; only emulated zones are served, as of a ram or null-co drive");
    }

    private static long deviceNumber(String path) {
        try {
            return ((Number) Files.getAttribute(Path.of(path), "unix:rdev")).longValue();
        } catch (IOException e) {
            throw new ImageException(ImageException.Kind.IO, path, "cannot be looked at", e);
        }
    }
}
