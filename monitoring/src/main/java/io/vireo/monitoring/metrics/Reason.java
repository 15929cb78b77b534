package io.vireo.monitoring.metrics;

import java.util.Arrays;
import java.util.List;

/**
 * Why requests fail, as a closed set of small numbers: no guest and no device can invent another label value.
 *
 * <p>The first four are verdicts on the request itself, lower case; the rest are the host's errors, by their errno names.
 */
public final class Reason {
    /** Malformed: wrong sizes, reserved flags, no room for the answer. */
    public static final int INVALID = 0;
    /** Outside the disk. */
    public static final int OUT_OF_RANGE = 1;
    /** A change asked of a read-only disk. */
    public static final int READ_ONLY = 2;
    /** A type we do not know or did not offer. */
    public static final int UNSUPPORTED = 3;
    /** Given back unserved because the device was stopped or failed. */
    public static final int CANCELLED = 4;
    /** Everything that has no value of its own. */
    public static final int OTHER = 5;

    private record Named(int errno, String label) {}

    // The numbers of Linux on x86-64 and aarch64.
    private static final List<Named> ERRNOS = List.of(
            new Named(5, "EIO"), new Named(28, "ENOSPC"), new Named(22, "EINVAL"), new Named(12, "ENOMEM"), new Named(11, "EAGAIN"),
            new Named(14, "EFAULT"), new Named(95, "EOPNOTSUPP"), new Named(110, "ETIMEDOUT"), new Named(30, "EROFS"), new Named(1, "EPERM"),
            new Named(122, "EDQUOT"), new Named(19, "ENODEV"), new Named(6, "ENXIO"), new Named(121, "EREMOTEIO"), new Named(61, "ENODATA"));
    private static final List<String> VERDICTS =
            List.of("invalid", "out-of-range", "read-only", "unsupported", "cancelled", "other");
    private static final byte[] BY_ERRNO = byErrno();

    /** How many there are. */
    public static final int COUNT = VERDICTS.size() + ERRNOS.size();

    private Reason() {}

    /** The reason for a positive errno; {@link #OTHER} for one without a name here. Allocates nothing. */
    public static int ofErrno(int errno) {
        return errno > 0 && errno < BY_ERRNO.length ? BY_ERRNO[errno] : OTHER;
    }

    /** The value of the label {@code reason}. */
    public static String label(int reason) {
        return reason < VERDICTS.size() ? VERDICTS.get(reason) : ERRNOS.get(reason - VERDICTS.size()).label();
    }

    private static byte[] byErrno() {
        byte[] table = new byte[128];
        Arrays.fill(table, (byte) OTHER);
        for (int i = 0; i < ERRNOS.size(); i++) table[ERRNOS.get(i).errno()] = (byte) (VERDICTS.size() + i);
        return table;
    }
}
