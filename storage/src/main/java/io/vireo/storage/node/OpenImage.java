package io.vireo.storage.node;

import io.vireo.posix.Fd;

/**
 * An image that is open, as one process has it and another goes on with it: the same open file description, with the locks
 * that it holds.
 *
 * @param file whoever has the record
 * @param active whether the image is taken, see {@link BlockNode#activate}
 */
public record OpenImage(Fd file, boolean active) {}
