package io.vireo.embed;

/**
 * A request that the drive has failed.
 *
 * @param operation read, write, flush, discard or write_zeroes
 * @param errno why, as Linux numbers it
 * @param stopped the device waits for {@link VirtioBlkDevice#resume}, and the driver knows nothing; otherwise the driver
 *     was told of the error, or the error was ignored, as the device's policy has it
 */
public record IoError(String operation, long offsetBytes, int errno, boolean stopped) {}
