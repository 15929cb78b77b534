package io.vireo.actors.device;

import io.vireo.posix.Errno;
import io.vireo.storage.node.Operation;
import io.vireo.storage.zone.ZoneErrno;

/**
 * What becomes of a request that the drive has failed: QEMU's rerror (reads) and werror (everything else).
 *
 * @param rerror for reads
 * @param werror for writes, flushes, discards, write-zeroes and secure erases; what else there is, is always reported
 */
public record ErrorPolicy(OnError rerror, OnError werror) {
    /** QEMU's words. */
    public enum OnError {
        REPORT,
        IGNORE,
        ENOSPC,
        STOP,
        /** For reads as REPORT, for all else as ENOSPC. */
        AUTO
    }

    /** What is done about one failure. */
    public enum Action {
        /** The driver gets the error. */
        REPORT,
        /** The driver is told that it succeeded. */
        IGNORE,
        /** The driver is told nothing; the request is tried again when somebody says so. */
        STOP
    }

    public static final ErrorPolicy DEFAULT = new ErrorPolicy(OnError.REPORT, OnError.ENOSPC);

    /** @param errno why it failed; what is not the drive's failure is always reported */
    public Action actionOn(Operation operation, int errno) {
        if (isTheGuests(errno) || !hasPolicy(operation)) return Action.REPORT;
        boolean read = operation == Operation.READ;
        Action action = switch (read ? rerror : werror) {
            case REPORT -> Action.REPORT;
            case IGNORE -> Action.IGNORE;
            case ENOSPC -> stopAtNoSpace(errno);
            case STOP -> Action.STOP;
            case AUTO -> read ? Action.REPORT : stopAtNoSpace(errno);
        };
        // The host tells of a lost write once: a flush that was tried again would succeed without the data.
        return operation == Operation.FLUSH && action == Action.STOP ? Action.REPORT : action;
    }

    /** An operation that the drive does not have, memory that the guest has taken away, and what zones do not allow. */
    static boolean isTheGuests(int errno) {
        return errno == Errno.EOPNOTSUPP || errno == Errno.EFAULT || ZoneErrno.is(errno);
    }

    /**
     * Not those that ask for an answer, as there would be none to give if they were ignored; nor those on zones, which have
     * changed the zone by the time they fail: done again, they would be refused or done twice. QEMU has none for them either.
     */
    private static boolean hasPolicy(Operation operation) {
        return switch (operation) {
            case READ, WRITE, FLUSH, DISCARD, WRITE_ZEROES, SECURE_ERASE -> true;
            case LIFETIME, ZONE_REPORT, ZONE_APPEND, ZONE_OPEN, ZONE_CLOSE, ZONE_FINISH, ZONE_RESET, ZONE_RESET_ALL -> false;
        };
    }

    private static Action stopAtNoSpace(int errno) {
        return errno == Errno.ENOSPC ? Action.STOP : Action.REPORT;
    }
}
