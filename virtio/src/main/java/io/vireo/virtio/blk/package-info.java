/** The virtio block device (virtio 1.3, 5.2): features, configuration space, and requests judged out of chains. */
package io.vireo.virtio.blk;
