package io.vireo.virtio.driver;

/** The device broke a rule of the specification that the driver could see: what it did is in the message. */
public final class DeviceFault extends RuntimeException {
    public DeviceFault(String message) {
        super(message);
    }
}
