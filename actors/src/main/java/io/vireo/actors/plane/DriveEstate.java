package io.vireo.actors.plane;

import io.vireo.config.DriveConfig;
import io.vireo.config.Problem;
import io.vireo.storage.node.BlockNode;
import io.vireo.storage.node.OpenImage;
import java.util.Optional;

/**
 * A drive of one process, for another one to go on with.
 *
 * @param driver of the node at the bottom
 * @param offsetBytes where in that node the drive begins
 * @param image empty when there is nothing to have but the configuration
 */
public record DriveEstate(String name, String driver, long offsetBytes, Optional<OpenImage> image) {
    /** @throws io.vireo.storage.node.ImageException no other process can go on with it */
    static DriveEstate of(DriveConfig drive, BlockNode node) {
        return new DriveEstate(drive.nodeName(), drive.protocol().driver(), offsetBytes(drive), node.handOn());
    }

    private static long offsetBytes(DriveConfig drive) {
        return drive instanceof DriveConfig.RawDrive raw ? raw.offsetBytes() + offsetBytes(raw.file()) : 0;
    }

    /** What keeps {@code drive} from being this one; what only the open image can tell is found out later. */
    Optional<Problem> problem(DriveConfig drive) {
        if (!drive.protocol().driver().equals(driver)) {
            return Optional.of(new Problem(
                    drive.origin(), "driver = " + drive.protocol().driver(), "the daemon that runs has driver = " + driver));
        }
        if (offsetBytes(drive) != offsetBytes) {
            return Optional.of(new Problem(
                    drive.origin(), "begins at " + offsetBytes(drive), "in the daemon that runs it begins at " + offsetBytes));
        }
        return Optional.empty();
    }
}
