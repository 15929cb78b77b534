package io.vireo.storage.zone;

/** What a disk's sequential zones ask of those who write them. */
public enum ZoneModel {
    /** No zones. */
    NONE,
    /** Sequential zones must be written at their write pointers. */
    HOST_MANAGED,
    /** Sequential zones had better be written at their write pointers. */
    HOST_AWARE
}
