package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.virtio.queue.InflightArea;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;

/**
 * All it takes to run one vring. The eventfds stay the session's: it closes none of them before the back-end has
 * stopped the vring or been told of another. All are non-blocking.
 *
 * @param size one that {@link io.vireo.virtio.queue.RingFormat#isValidSize} accepts, as it does the base
 * @param areas host addresses, wholly inside the memory of the last {@link VhostUserBackend#useMemory}
 * @param base where to go on, see {@link io.vireo.virtio.queue.Virtqueue#base}
 * @param call null when the driver polls
 * @param err null when the front-end does not want to know
 * @param usedLog null when what is written into its areas is not logged
 * @param inflight null when what is in flight is not written down; else it may say better than {@code base} where to go on
 */
public record VringSetup(
        int size,
        VirtqueueAreas areas,
        int base,
        EventFd kick,
        EventFd call,
        EventFd err,
        UsedLog usedLog,
        InflightArea inflight) {}
