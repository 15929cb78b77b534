package io.vireo.virtio.vhostuser;

import io.vireo.posix.EventFd;
import io.vireo.virtio.memory.DirtyLog;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.UsedLog;
import io.vireo.virtio.queue.VirtqueueAreas;

/**
 * The device behind a session. All methods are called by the session's own thread, one at a time, and may
 * block; indices are below {@link #queueCountMax()}, and every number was checked.
 *
 * <p>Order: {@link #useMemory} comes before the first {@link #startVring}; start and stop of one vring alternate; at
 * the end of a connection the running vrings are stopped and then {@link #disconnected} is called once.
 */
public interface VhostUserBackend {
    /** Virtio feature bits of the device and its rings. Bits 26 and 30 are the session's own business. */
    long offeredFeatures();

    /** 1..256, constant. */
    int queueCountMax();

    /** A subset of what is offered, without bits 26 and 30. No vring runs; the last call counts. */
    void acceptFeatures(long features);

    /**
     * Exactly {@code sizeBytes} bytes of the device's configuration space, zeroes past its end;
     * {@code offset + sizeBytes} is at most 256.
     */
    byte[] readConfig(int offset, int sizeBytes);

    /** False when a byte of it is not the driver's to write, or not with this value; nothing changed then. */
    boolean writeConfig(int offset, byte[] bytes);

    /**
     * A new generation of guest memory, for the vrings that run and those that will be started. It belongs to the
     * back-end, which releases the one before when nothing in flight uses it any more, and the last one after
     * {@link #disconnected}. When this returns, running vrings no longer use the addresses they had.
     *
     * @param areas by vring index, where in {@code memory} each vring lies that runs; null for the others
     */
    void useMemory(GuestMemory memory, VirtqueueAreas[] areas);

    /**
     * Has all that is written for requests from now on marked in {@code log}, also for those in flight; null: no more.
     * When this returns nobody marks in the one before.
     */
    void logWrites(DirtyLog log);

    /** As {@link #logWrites}, for what is written into a running vring's own areas. */
    void logUsed(int index, UsedLog log);

    /**
     * Starts a vring, beginning with what is in flight by its in-flight area and a look at what is available: the kick may
     * have come and gone before.
     *
     * @throws VhostUserException the in-flight area cannot be gone on with
     */
    void startVring(int index, VringSetup setup);

    /** What becomes of requests that failed and are kept to be tried again, when their vring stops. */
    enum Failed {
        /** They are tried once more, and answered. */
        ANSWER,
        /** Where they are written down they stay in flight, for whoever goes on with the vring. */
        SUSPEND
    }

    /**
     * Stops a running vring and waits until its requests in flight are completed and used, but for those that failed.
     *
     * @return where the device would have gone on, see {@link io.vireo.virtio.queue.Virtqueue#base}
     */
    int stopVring(int index, Failed failed);

    /** Where a running vring goes on, while the device takes nothing from it and nothing of it is in flight. */
    int vringBase(int index);

    /** A running vring's call from now on; null when the driver polls. The one before is closed after this returned. */
    void setCall(int index, EventFd call);

    /** As {@link #setCall}, for the descriptor that says that the vring is broken. */
    void setErr(int index, EventFd err);

    /**
     * The last vring was stopped, by GET_VRING_BASE or device status 0, with LOG_ALL on: a front-end does that when it has moved the guest. No
     * vring runs, and when this returns the disk may be opened elsewhere; a vring that starts again takes it back.
     */
    void handOver();

    /** What the device knows that nobody says again after a migration, at most 4096 bytes. No vring runs. */
    byte[] saveState();

    /** False when that is no state of such a device; nothing changed then. No vring runs. */
    boolean loadState(byte[] state);

    /**
     * RESET_DEVICE: the driver starts over. No vring runs; features and configuration are as before the first driver, and
     * the memory stays.
     */
    void reset();

    /** The connection is over; no vring runs. Releases the memory generation. */
    void disconnected();
}
