package io.vireo.virtio.vhostuser;

/**
 * What a session knows of a vring that no message says exactly.
 *
 * @param base where it goes on, null for a new ring
 * @param stoppedAt where this connection has stopped it last, null if it runs or never did
 */
public record VringPosition(int index, Integer base, Integer stoppedAt) {}
