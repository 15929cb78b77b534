/** Virtqueues, device side: takes descriptor chains, writes used elements, decides on notifications (virtio 1.3, 2.7). */
package io.vireo.virtio.queue;
