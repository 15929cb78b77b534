/** virtio over MMIO: where its registers are (virtio 1.3, 4.2). */
package io.vireo.virtio.mmio;
