package io.vireo.config;

import java.util.List;

/**
 * An emulated drive's zones.
 *
 * @param sizeBytes of a zone, a power of two
 * @param capacityBytes what of a zone can be written
 * @param conventional how many zones, from the start of the drive
 * @param maxOpen,maxActive zones at once; 0: any number
 * @param maxAppendBytes of one append; 0: there are none
 * @param readOnly,offline zones that have failed, by number
 */
public record ZonedConfig(
        Model model,
        long sizeBytes,
        long capacityBytes,
        int conventional,
        int maxOpen,
        int maxActive,
        long maxAppendBytes,
        List<Integer> readOnly,
        List<Integer> offline) {
    /** What sequential zones ask of a guest. */
    public enum Model {
        HOST_MANAGED,
        HOST_AWARE
    }

    public static final long SIZE_BYTES = 64L << 20;
    public static final long APPEND_BYTES = 1L << 20;
    public static final int COUNT_MAX = 1 << 20;
}
