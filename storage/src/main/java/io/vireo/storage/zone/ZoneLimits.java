package io.vireo.storage.zone;

/**
 * A disk's zones.
 *
 * @param zoneBytes of every zone but the last, which may be shorter; a power of two
 * @param zoneCapacityBytes what can be written of a sequential zone
 * @param conventionalZones how many, from the start of the disk
 * @param maxOpen zones that may be open at once; 0: any number
 * @param maxActive zones that may be open or closed at once; 0: any number
 * @param maxAppendBytes the most data of one append; 0: there are none
 * @param writeGranularityBytes offsets and lengths of writes to sequential zones are multiples of this
 * @throws IllegalArgumentException zones that cannot be; the message is for an operator
 */
public record ZoneLimits(
        ZoneModel model,
        long zoneBytes,
        long zoneCapacityBytes,
        int conventionalZones,
        int maxOpen,
        int maxActive,
        long maxAppendBytes,
        int writeGranularityBytes) {
    /** Of a disk without zones. */
    public static final ZoneLimits NONE = new ZoneLimits(ZoneModel.NONE, 0, 0, 0, 0, 0, 0, 0);
    /** So that its sectors fit a positive int. */
    private static final long ZONE_BYTES_MAX = 1L << 39;
    /** The list of open zones is searched; disks have some hundreds at most. */
    private static final int OPEN_MAX = 65535;

    public ZoneLimits {
        if (model != ZoneModel.NONE) {
            require(writeGranularityBytes >= 512 && Integer.bitCount(writeGranularityBytes) == 1,
                    "the write granularity is a power of two of at least 512");
            require(zoneBytes >= writeGranularityBytes && zoneBytes <= ZONE_BYTES_MAX && Long.bitCount(zoneBytes) == 1,
                    "a zone's size is a power of two of at least " + writeGranularityBytes + " bytes and at most 512G");
            require(zoneCapacityBytes > 0 && zoneCapacityBytes <= zoneBytes
                            && zoneCapacityBytes % writeGranularityBytes == 0,
                    "a zone's capacity is a multiple of " + writeGranularityBytes + " bytes, at most its size");
            require(conventionalZones >= 0, "conventional zones are counted");
            require(maxOpen >= 0 && maxOpen <= OPEN_MAX && maxActive >= 0, "at most " + OPEN_MAX + " zones are open");
            require(maxActive == 0 || maxOpen <= maxActive, "open zones are active: no more of them than of those");
            require(maxAppendBytes >= 0 && maxAppendBytes % writeGranularityBytes == 0,
                    "the most data of an append is a multiple of " + writeGranularityBytes + " bytes");
        }
    }

    public boolean areThere() {
        return model != ZoneModel.NONE;
    }

    private static void require(boolean fine, String what) {
        if (!fine) throw new IllegalArgumentException(what);
    }
}
