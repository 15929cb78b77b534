package io.vireo.actors.device;

import io.vireo.posix.Errno;
import io.vireo.storage.node.Operation;

/**
 * What becomes of a request that the drive has failed: QEMU's rerror (reads) and werror (everything else).
 *
 * @param rerror for reads
 * @param werror for writes, flushes, discards and write-zeroes
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
        // An operation that it does not have, and memory that the guest has taken away.
        if (errno == Errno.EOPNOTSUPP || errno == Errno.EFAULT) return Action.REPORT;
        boolean read = operation == Operation.READ;
        return switch (read ? rerror : werror) {
            case REPORT -> Action.REPORT;
            case IGNORE -> Action.IGNORE;
            case ENOSPC -> stopAtNoSpace(errno);
            case STOP -> Action.STOP;
            case AUTO -> read ? Action.REPORT : stopAtNoSpace(errno);
        };
    }

    private static Action stopAtNoSpace(int errno) {
        return errno == Errno.ENOSPC ? Action.STOP : Action.REPORT;
    }
}
