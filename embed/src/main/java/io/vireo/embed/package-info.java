/** The embedder's API: virtio-blk devices inside a VMM written for the JVM. */
package io.vireo.embed;
