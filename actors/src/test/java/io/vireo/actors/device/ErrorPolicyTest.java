package io.vireo.actors.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vireo.actors.device.ErrorPolicy.Action;
import io.vireo.actors.device.ErrorPolicy.OnError;
import io.vireo.posix.Errno;
import io.vireo.storage.node.Operation;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ErrorPolicyTest {
    private static final EnumSet<Operation> CHANGES = EnumSet.of(
            Operation.WRITE, Operation.DISCARD, Operation.WRITE_ZEROES, Operation.SECURE_ERASE);

    @ParameterizedTest
    @CsvSource({
        // policy, a read at EIO, a read at ENOSPC, any other at EIO, any other at ENOSPC
        "REPORT, REPORT, REPORT, REPORT, REPORT",
        "IGNORE, IGNORE, IGNORE, IGNORE, IGNORE",
        "ENOSPC, REPORT, STOP,   REPORT, STOP",
        "STOP,   STOP,   STOP,   STOP,   STOP",
        "AUTO,   REPORT, REPORT, REPORT, STOP"
    })
    void decidesByDirectionAndErrno(OnError policy, Action readEio, Action readFull, Action writeEio, Action writeFull) {
        ErrorPolicy reads = new ErrorPolicy(policy, OnError.REPORT);
        assertEquals(readEio, reads.actionOn(Operation.READ, Errno.EIO));
        assertEquals(readFull, reads.actionOn(Operation.READ, Errno.ENOSPC));
        ErrorPolicy rest = new ErrorPolicy(OnError.REPORT, policy);
        for (Operation operation : CHANGES) {
            assertEquals(writeEio, rest.actionOn(operation, Errno.EIO), operation::toString);
            assertEquals(writeFull, rest.actionOn(operation, Errno.ENOSPC), operation::toString);
            assertEquals(Action.REPORT, reads.actionOn(operation, Errno.ENOSPC), "rerror is for reads alone");
        }
        assertEquals(Action.REPORT, rest.actionOn(Operation.READ, Errno.ENOSPC), "werror is not for reads");
    }

    @ParameterizedTest
    @CsvSource({"REPORT, REPORT", "IGNORE, IGNORE", "ENOSPC, REPORT", "STOP, REPORT", "AUTO, REPORT"})
    void neverKeepsAFlush(OnError policy, Action action) {
        ErrorPolicy errors = new ErrorPolicy(OnError.REPORT, policy);
        assertEquals(action, errors.actionOn(Operation.FLUSH, Errno.EIO));
        assertEquals(action, errors.actionOn(Operation.FLUSH, Errno.ENOSPC));
    }

    /** A zone that has moved, and an answer that there is not. */
    @ParameterizedTest
    @CsvSource({"STOP", "IGNORE"})
    void alwaysReportsWhatCanNeitherBeDoneAgainNorBeMadeUp(OnError policy) {
        ErrorPolicy errors = new ErrorPolicy(policy, policy);
        for (Operation operation : EnumSet.complementOf(CHANGES)) {
            if (operation == Operation.READ || operation == Operation.FLUSH) continue;
            assertEquals(Action.REPORT, errors.actionOn(operation, Errno.EIO), operation::toString);
            assertEquals(Action.REPORT, errors.actionOn(operation, Errno.ENOSPC), operation::toString);
        }
    }

    @ParameterizedTest
    @CsvSource({"STOP", "IGNORE"})
    void reportsWhatAZoneDoesNotAllow(OnError policy) {
        ErrorPolicy errors = new ErrorPolicy(policy, policy);
        for (int errno : new int[] {Errno.EBADRQC, Errno.EBADSLT, Errno.ETOOMANYREFS, Errno.EOVERFLOW}) {
            assertEquals(Action.REPORT, errors.actionOn(Operation.READ, errno));
            assertEquals(Action.REPORT, errors.actionOn(Operation.WRITE, errno));
        }
    }

    @ParameterizedTest
    @CsvSource({"STOP", "IGNORE"})
    void reportsWhatIsNotTheDrivesFailure(OnError policy) {
        ErrorPolicy errors = new ErrorPolicy(policy, policy);
        assertEquals(Action.REPORT, errors.actionOn(Operation.DISCARD, Errno.EOPNOTSUPP));
        assertEquals(Action.REPORT, errors.actionOn(Operation.WRITE, Errno.EFAULT));
    }

    @Test
    void isQemusByDefault() {
        assertEquals(new ErrorPolicy(OnError.REPORT, OnError.ENOSPC), ErrorPolicy.DEFAULT);
    }
}
