package io.vireo.actors.device;

import io.vireo.actors.iothread.IoThread;
import io.vireo.posix.EventSignaller;

/**
 * Where a simulation may let the other side run: {@link SteppedClasses} has a virtqueue ask here before each of its
 * accesses to the memory that driver and device share. Thread: the simulation's.
 */
public final class Interleaving {
    private static final EventSignaller SIGNALLER = EventSignaller.open();
    private static Runnable atDevice = () -> {};
    private static Runnable atDriver = () -> {};

    private Interleaving() {}

    static void begin(Runnable device, Runnable driver) {
        atDevice = device;
        atDriver = driver;
    }

    /** In place of that of an IOThread that was never started. */
    public static EventSignaller signaller(IoThread ioThread) {
        return SIGNALLER;
    }

    public static void device() {
        atDevice.run();
    }

    public static void driver() {
        atDriver.run();
    }
}
