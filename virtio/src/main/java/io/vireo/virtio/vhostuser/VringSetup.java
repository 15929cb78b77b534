package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.virtio.queue.SplitRing;
import io.vireo.virtio.queue.UsedRingLog;

/**
 * All it takes to run one vring. The eventfds stay the session's: it closes none of them before the back-end has
 * stopped the vring or been told of another. All are non-blocking.
 *
 * @param size a power of two that {@link io.vireo.virtio.queue.VirtqueueLayout#isValidSize} accepts
 * @param ring host addresses, wholly inside the memory of the last {@link VhostUserBackend#useMemory}
 * @param nextAvail where to go on in the avail ring, 0..65535; the used ring goes on at its own idx
 * @param call null when the driver polls
 * @param err null when the front-end does not want to know
 * @param usedLog null when the used ring's pages are not logged
 */
public record VringSetup(
        int size, SplitRing ring, int nextAvail, EventFd kick, EventFd call, EventFd err, UsedRingLog usedLog) {}
