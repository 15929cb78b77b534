/** The data plane put together: drives, IOThreads and the devices that a configuration describes. */
package io.vireo.actors.plane;
