package io.vireo.embed;

import io.vireo.actors.plane.DriveException;
import io.vireo.config.ConfigException;
import io.vireo.storage.node.ImageException;

/** What the embedder's operator can mend. The message says where and what, in lines that are meant for him. */
public final class VireoException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What it is that cannot be used. */
    public enum Kind {
        /** A configuration is wrong; every problem of it is a line of the message. */
        CONFIGURATION,
        /** An image cannot be opened, or not have the size that was asked for. */
        IMAGE,
        /** Somebody else has the image. */
        IMAGE_IN_USE
    }

    private final Kind kind;

    VireoException(ConfigException cause) {
        this(Kind.CONFIGURATION, cause);
    }

    VireoException(DriveException cause) {
        this(cause.isInUse() ? Kind.IMAGE_IN_USE : Kind.IMAGE, cause);
    }

    VireoException(ImageException cause) {
        this(Kind.IMAGE, cause);
    }

    private VireoException(Kind kind, RuntimeException cause) {
        super(cause.getMessage(), cause);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}
