/** A virtio-mmio transport for VMMs that have none of their own (virtio 1.3, 4.2). */
package io.vireo.embed.mmio;
