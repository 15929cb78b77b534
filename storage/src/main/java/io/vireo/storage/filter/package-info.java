/** Nodes that change what the node below them does. */
package io.vireo.storage.filter;
