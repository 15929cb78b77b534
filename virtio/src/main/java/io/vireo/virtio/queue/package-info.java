/** Virtqueues, device side: descriptor chains in, used elements and notifications out (virtio 1.3, 2.7). */
package io.vireo.virtio.queue;
