package io.vireo.virtio.driver;

/** How a load waits for completions. */
public enum Waiting {
    /** Asleep, until the device calls. */
    CALL,
    /** Looking at the used rings without pause, calls suppressed. */
    SPIN
}
