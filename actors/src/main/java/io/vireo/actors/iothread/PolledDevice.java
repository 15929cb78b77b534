package io.vireo.actors.iothread;

/**
 * A device's virtqueues as the loop sees them. The loop polls a device while it is busy; one that has been idle for a
 * while asks its driver for kicks instead, so that sixty idle disks cost a busy one nothing.
 *
 * <p>Thread: the IOThread. No method throws.
 */
public interface PolledDevice {
    /** Looks for published requests and sets the device to work on them; true when there were any. */
    boolean poll();

    /** Tells the driver that kicks are not needed: the loop is watching. */
    void suppressKicks();

    /** Asks the driver for kicks; true when requests arrived meanwhile, so that the device must stay polled. */
    boolean enableKicks();

    /** Requests finished since the last call: the device's share of the turn. */
    int takeTurnWork();

    /** Adds to the time this thread has spent on the device. */
    void addCpuNanos(long nanos);
}
