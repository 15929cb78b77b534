package com.example.vmm;

/** How a machine has ended. */
enum Outcome {
    POWER_OFF,
    RESET,
    /** The one at the console has had enough of it. */
    QUIT,
    /** Its processors cannot go on; why has been said. */
    BROKEN
}
