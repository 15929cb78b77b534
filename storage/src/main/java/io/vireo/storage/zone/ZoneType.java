package io.vireo.storage.zone;

public enum ZoneType {
    /** Written anywhere; has no write pointer. */
    CONVENTIONAL,
    SEQUENTIAL_WRITE_REQUIRED,
    SEQUENTIAL_WRITE_PREFERRED
}
