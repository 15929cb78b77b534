/** The node without storage. */
package io.vireo.storage.nullco;
