package io.vireo.actors.device;

/**
 * How a device is to behave beyond what its driver sees: when it takes requests, and what becomes of those that fail.
 *
 * @param inFlightMax how many requests of one virtqueue it takes at a time; further ones wait in the ring
 */
public record Conduct(Intake intake, ErrorPolicy errors, int inFlightMax) {}
