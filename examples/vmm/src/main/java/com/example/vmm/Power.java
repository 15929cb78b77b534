package com.example.vmm;

import java.util.function.Consumer;

/** ACPI's fixed registers, as far as they switch the machine off, and the keyboard controller's line that resets it. */
final class Power {
    static final int SLEEP_TYPE_OFF = 5;
    static final int KEYBOARD_CONTROLLER_RESET = 0xFE;
    private static final int SLEEP_ENABLE = 1 << 13;
    private static final int SLEEP_TYPE_SHIFT = 10;
    private static final int SLEEP_TYPE_MASK = 7;
    private static final int SCI_ENABLED = 1;

    private final Consumer<Outcome> end;
    private volatile int enabledEvents;

    Power(Consumer<Outcome> end) {
        this.end = end;
    }

    void writeControl(int value) {
        if ((value & SLEEP_ENABLE) != 0 && (value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == SLEEP_TYPE_OFF) {
            end.accept(Outcome.POWER_OFF);
        }
    }

    /** A driver wants to read what it wrote; none of the events ever happens. */
    void enableEvents(int value) {
        enabledEvents = value;
    }

    int enabledEvents() {
        return enabledEvents;
    }

    int readControl() {
        return SCI_ENABLED;
    }

    void writeKeyboardController(int value) {
        if (value == KEYBOARD_CONTROLLER_RESET) end.accept(Outcome.RESET);
    }
}
