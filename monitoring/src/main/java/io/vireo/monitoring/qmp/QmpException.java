package io.vireo.monitoring.qmp;

/** Why a command was not done: what its client is answered. */
public final class QmpException extends RuntimeException {
    /** The kinds that a client may tell apart. */
    public enum ErrorClass {
        GENERIC_ERROR("GenericError"),
        COMMAND_NOT_FOUND("CommandNotFound"),
        DEVICE_NOT_ACTIVE("DeviceNotActive"),
        DEVICE_NOT_FOUND("DeviceNotFound"),
        /** Not QEMU's: what was to be added is wrong, and nothing was. */
        CONFIGURATION("ConfigurationError"),
        /** Not QEMU's: an image or a socket that is to be added is somebody else's. */
        IN_USE("InUse");

        private final String word;

        ErrorClass(String word) {
            this.word = word;
        }

        /** As it is on the wire. */
        public String word() {
            return word;
        }
    }

    private final ErrorClass errorClass;

    public QmpException(ErrorClass errorClass, String desc) {
        super(desc, null, false, false);
        this.errorClass = errorClass;
    }

    /** GenericError. */
    public QmpException(String desc) {
        this(ErrorClass.GENERIC_ERROR, desc);
    }

    public ErrorClass errorClass() {
        return errorClass;
    }
}
