package io.vireo.actors.device;

import io.vireo.posix.Errno;
import io.vireo.storage.node.Operation;

/** A request that the drive has failed, and what was done about it. */
public record IoError(int queue, Operation operation, long offsetBytes, int errno, ErrorPolicy.Action action) {
    public boolean noSpace() {
        return errno == Errno.ENOSPC;
    }
}
