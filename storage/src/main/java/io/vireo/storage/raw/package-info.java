/** The raw format: a node's bytes as they are, or a window on them. */
package io.vireo.storage.raw;
