/** The guest's memory as this process sees it: bounded translation of addresses, mappings shared by generations. */
package io.vireo.virtio.memory;
