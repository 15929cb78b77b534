/** Virtqueues, device side: descriptor chains in, used elements and notifications out (virtio 1.3, 2.6 to 2.8). */
package io.vireo.virtio.queue;
