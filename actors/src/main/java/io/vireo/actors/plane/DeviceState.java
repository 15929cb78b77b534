package io.vireo.actors.plane;

import io.vireo.actors.vhostuser.ClientState;
import java.util.Optional;

/**
 * What a device that takes nothing is in the middle of, for another process to go on with.
 *
 * @param blkState as {@link DeviceHost#saveState} answers it
 * @param configChanged whether the front-end is to be told again that the configuration space has changed
 */
public record DeviceState(
        String name, boolean paused, byte[] blkState, boolean configChanged, Optional<ClientState> client) {}
