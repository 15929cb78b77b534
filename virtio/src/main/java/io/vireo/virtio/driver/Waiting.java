package io.vireo.virtio.driver;

/** How a load waits for completions. */
public enum Waiting {
    /** Asleep, until the device calls; the rings are looked at then, as by the handler of an interrupt, and at no other time. */
    CALL,
    /** Looking at the used rings without pause, calls suppressed. */
    SPIN
}
