package io.vireo.storage.node;

/** An image cannot be opened or is not what it should be. The message is made for the operator and names the path. */
public final class ImageException extends RuntimeException {
    /** What is wrong, for those who choose an exit status by it. */
    public enum Kind {
        MISSING,
        PERMISSION,
        NOT_A_FILE,
        NOT_A_DEVICE,
        EMPTY,
        NOT_SECTORS,
        OUT_OF_RANGE,
        FIXED_SIZE,
        WOULD_SHRINK,
        IN_USE,
        DIRECT_UNSUPPORTED,
        DIRECT_REQUIRED,
        LOCK_UNSUPPORTED,
        ZONED,
        NOT_HANDED_ON,
        IO
    }

    private final Kind kind;
    private final String path;

    public ImageException(Kind kind, String path, String what) {
        super(path + ": " + what);
        this.kind = kind;
        this.path = path;
    }

    public ImageException(Kind kind, String path, String what, Throwable cause) {
        super(path + ": " + what, cause);
        this.kind = kind;
        this.path = path;
    }

    public Kind kind() {
        return kind;
    }

    public String path() {
        return path;
    }
}
