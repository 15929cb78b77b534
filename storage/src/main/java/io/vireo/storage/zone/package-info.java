/** Zoned storage as virtio 1.3, 5.2.6 and the ZBD standards it names have it: arithmetic only, no I/O. */
package io.vireo.storage.zone;
