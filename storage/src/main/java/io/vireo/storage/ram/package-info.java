/** The node that lives in the host's memory. */
package io.vireo.storage.ram;
