package io.vireo.embed;

import io.vireo.posix.EventFd;
import io.vireo.posix.Fd;
import io.vireo.virtio.memory.GuestMemory;
import io.vireo.virtio.queue.RingFormat;
import io.vireo.virtio.queue.VirtqueueAreas;
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
        enable(setup, device.ringFormat().newBase());
    }

    /**
     * Serves the queue from now on. The device looks at once, so this belongs after DRIVER_OK.
     *
     * @param base where to go on, as {@link #disable} or {@link #base} answered it: the next avail index, in a packed virtqueue
     *     vhost-user's word of the next descriptors to take and to use
     * @throws IllegalArgumentException the areas are not wholly in memory or not aligned, or size or base is none that a
     *     queue of the accepted features can have
     * @throws IllegalStateException enabled already, no memory was set, or the device needs a reset
     */
    public void enable(QueueSetup setup, int base) {
        device.enable(this, setup, base);
    }

    /**
     * Takes no more buffers and waits until those in flight are used.
     *
     * @return where it goes on, for {@link #enable(QueueSetup, int)}; that of a new queue when it was not enabled
     * @throws IllegalStateException requests do not come back from the drive
     */
    public int disable() {
        return device.disable(this);
    }

    /**
     * Where it goes on, for {@link #enable(QueueSetup, int)} of another device: means something while this one is
     * {@linkplain VirtioBlkDevice#quiesce quiesced}.
     */
    public int base() {
        return device.base(this);
    }

    public boolean isEnabled() {
        synchronized (device) {
            return setup != null;
        }
    }

    /** How often a driver's kick woke the device, since the device was opened. */
    public long kicks() {
        return device.host().status().counters().stream().mapToLong(counters -> counters.kicks(index)).sum();
    }

    /** How often the driver was called, since the device was opened. */
    public long calls() {
        return device.host().status().counters().stream().mapToLong(counters -> counters.calls(index)).sum();
    }

    /** Where the areas of this running queue are in another generation of memory; null when it does not run. */
    VirtqueueAreas areasIn(GuestMemory memory, RingFormat format) {
        return setup == null ? null : areas(memory, format, setup);
    }

    VirtqueueAreas areas(GuestMemory memory, RingFormat format, QueueSetup setup) {
        return format.locate(setup.size(), setup.descriptorTable(), setup.availRing(), setup.usedRing(),
                (area, gpa, lengthBytes) -> translate(memory, area, gpa, lengthBytes));
    }

    void open(QueueSetup newSetup) {
        kick = EventFd.owning(Fd.duplicateOf(newSetup.kickFd()));
        try {
            call = newSetup.callFd() == QueueSetup.NO_CALL
                    ? null
                    : EventFd.owning(Fd.duplicateOf(newSetup.callFd()), newSetup.beforeCall());
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

    private long translate(GuestMemory memory, String area, long gpa, long lengthBytes) {
        long address = memory.translate(gpa, lengthBytes);
        if (address == GuestMemory.FAULT) {
            throw new IllegalArgumentException("queue %d: its %s 0x%x+%d is outside the guest's memory"
                    .formatted(index, area, gpa, lengthBytes));
        }
        return address;
    }
}
