package io.vireo.actors.device;

/** How a device is to behave beyond what its driver sees: when it takes requests, and what becomes of those that fail. */
public record Conduct(Intake intake, ErrorPolicy errors) {}
