package io.vireo.storage.zone;

/** What can be done to a zone as a whole. */
public enum ZoneCommand {
    OPEN,
    CLOSE,
    FINISH,
    RESET
}
