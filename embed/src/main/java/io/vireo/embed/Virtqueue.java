package io.vireo.embed;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.VirtqueueAreas;
import io.vireo.virtio.queue.VirtqueueLayout;
import java.util.List;
import java.util.stream.Stream;

/** One virtqueue of a device. Thread: any; calls on one device wait for each other. */
public final class Virtqueue {
    private final VirtioBlkDevice device;
    private final int index;
    private QueueSetup setup;
    private EventFd kick;
    private EventFd call;

    Virtqueue(VirtioBlkDevice device, int index) {
        this.device = device;
        this.index = index;
    }

    public int index() {
        return index;
    }

    /** The largest size it can be enabled with: {@code queue_size} as a transport shows it before the driver writes. */
    public int sizeMax() {
        return device.queueSizeMax();
    }

    /** As {@link #enable(QueueSetup, int)}, for a queue that begins empty. */
    public void enable(QueueSetup setup) {
        enable(setup, 0);
    }

    /**
     * Serves the queue from now on. The device looks at once, so this belongs after DRIVER_OK.
     *
     * @param nextAvail the avail index to go on with, as {@link #disable} answered it
     * @throws IllegalArgumentException the rings are not wholly in memory or not aligned, or the size is too large
     * @throws IllegalStateException enabled already, no memory was set, or the device needs a reset
     */
    public void enable(QueueSetup setup, int nextAvail) {
        device.enable(this, setup, nextAvail);
    }

    /**
     * Takes no more buffers and waits until those in flight are used.
     *
     * @return the next avail index; 0 when it was not enabled
     * @throws IllegalStateException requests do not come back from the drive
     */
    public int disable() {
        return device.disable(this);
    }

    public boolean isEnabled() {
        synchronized (device) {
            return setup != null;
        }
    }

    /** Where the rings of this running queue are in another generation of memory; null when it does not run. */
    VirtqueueAreas areasIn(GuestMemory memory) {
        return setup == null ? null : areas(memory, setup);
    }

    VirtqueueAreas areas(GuestMemory memory, QueueSetup setup) {
        int size = setup.size();
        return new VirtqueueAreas(
                translate(memory, "descriptor table", setup.descriptorTable(), VirtqueueLayout.descriptorTableBytes(size)),
                translate(memory, "available ring", setup.availRing(), VirtqueueLayout.availRingBytes(size)),
                translate(memory, "used ring", setup.usedRing(), VirtqueueLayout.usedRingBytes(size)));
    }

    void open(QueueSetup newSetup) {
        kick = EventFd.owning(Fd.duplicateOf(newSetup.kickFd()));
        try {
            call = newSetup.callFd() == QueueSetup.NO_CALL ? null : EventFd.owning(Fd.duplicateOf(newSetup.callFd()));
        } catch (RuntimeException e) {
            kick.close();
            throw e;
        }
        setup = newSetup;
    }

    EventFd kick() {
        return kick;
    }

    EventFd call() {
        return call;
    }

    /** Not enabled any more; answers the eventfds, for the caller to close. */
    List<EventFd> end() {
        if (setup == null) return List.of();
        setup = null;
        return Stream.of(kick, call).filter(fd -> fd != null).toList();
    }

    private long translate(GuestMemory memory, String part, long gpa, long lengthBytes) {
        long address = memory.translate(gpa, lengthBytes);
        if (address == GuestMemory.FAULT) {
            throw new IllegalArgumentException("queue %d: its %s 0x%x+%d is outside the guest's memory"
                    .formatted(index, part, gpa, lengthBytes));
        }
        return address;
    }
}
