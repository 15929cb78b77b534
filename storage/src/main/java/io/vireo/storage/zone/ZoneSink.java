package io.vireo.storage.zone;

/** Who is told of zones, one after the other. */
@FunctionalInterface
public interface ZoneSink {
    /**
     * One zone; bytes from the start of the disk. The write pointer means nothing where the state has none.
     *
     * @return false when there is no room for it, or for more
     */
    boolean zone(long startBytes, long capacityBytes, long writePointerBytes, ZoneType type, ZoneState state);
}
