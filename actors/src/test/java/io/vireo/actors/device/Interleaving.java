package io.vireo.actors.device;

/**
 * Where a simulation may let the other side run: {@link SteppedClasses} has a virtqueue ask here before each of its
 * accesses to the memory that driver and device share. Thread: the simulation's.
 */
public final class Interleaving {
    private static Runnable atDevice = () -> {};
    private static Runnable atDriver = () -> {};

    private Interleaving() {}

    static void begin(Runnable device, Runnable driver) {
        atDevice = device;
        atDriver = driver;
    }

    public static void device() {
        atDevice.run();
    }

    public static void driver() {
        atDriver.run();
    }
}
