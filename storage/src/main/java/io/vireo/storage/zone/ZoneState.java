package io.vireo.storage.zone;

public enum ZoneState {
    /** Of conventional zones, for ever. */
    NOT_WRITE_POINTER,
    EMPTY,
    IMPLICITLY_OPEN,
    EXPLICITLY_OPEN,
    CLOSED,
    FULL,
    READ_ONLY,
    OFFLINE;

    /** Takes one of the disk's open zone resources. */
    boolean isOpen() {
        return this == IMPLICITLY_OPEN || this == EXPLICITLY_OPEN;
    }

    /** Takes one of the disk's active zone resources. */
    boolean isActive() {
        return isOpen() || this == CLOSED;
    }

    /** The device has failed there. */
    boolean isBroken() {
        return this == READ_ONLY || this == OFFLINE;
    }
}
