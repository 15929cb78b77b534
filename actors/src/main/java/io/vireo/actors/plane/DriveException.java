package io.vireo.actors.plane;

import io.vireo.config.DriveConfig;
import io.vireo.storage.node.ImageException;

/** A drive cannot be opened. The message says where the configuration names it and what is wrong with the image. */
public final class DriveException extends RuntimeException {
    private final boolean inUse;

    DriveException(DriveConfig drive, ImageException reason) {
        super(drive.protocol().origin().message(reason.getMessage()), reason);
        inUse = reason.kind() == ImageException.Kind.IN_USE;
    }

    /** Somebody else has the image. */
    public boolean isInUse() {
        return inUse;
    }
}
