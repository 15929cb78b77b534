/** A virtio-blk device on its IOThreads: the actors, the virtqueues they serve and the requests in flight. */
package io.vireo.actors.device;
