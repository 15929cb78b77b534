/** The block node contract: what a node is, how one IOThread reaches it, and the request that travels. */
package io.vireo.storage.node;
