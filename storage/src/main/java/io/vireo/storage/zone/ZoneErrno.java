package io.vireo.storage.zone;

import io.vireo.posix.Errno;

/**
 * How what a zone does not allow is told: as error numbers, so that it completes a request like any other failure. The
 * last two are what Linux has for them; no file of a host answers the first two.
 */
public final class ZoneErrno {
    /** Not possible for a zone of this type, in this state or of this size. */
    public static final int INVALID_COMMAND = Errno.EBADRQC;
    /** Not at the write pointer, or not in units of the write granularity. */
    public static final int UNALIGNED_WRITE_POINTER = Errno.EBADSLT;
    /** Would open more zones than may be. */
    public static final int OPEN_RESOURCE = Errno.ETOOMANYREFS;
    /** Would make more zones active than may be. */
    public static final int ACTIVE_RESOURCE = Errno.EOVERFLOW;

    private ZoneErrno() {}
}
