package io.vireo.actors.vhostuser;

import io.vireo.posix.Fd;
import io.vireo.virtio.vhostuser.BackendRequest;

/**
 * The socket on which a front-end is told something, in the middle of that.
 *
 * @param unanswered what it was asked and has not answered, null for nothing
 * @param unsent a message that there was no room for yet; may be empty
 * @param answer what has come of its answer; may be empty
 */
public record ChannelState(Fd socket, BackendRequest unanswered, byte[] unsent, byte[] answer) {}
